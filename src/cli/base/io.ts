import { styleText } from 'node:util'

/** A stream that a command writes to. */
export interface Output {
  /** Whether it is a terminal: not if it is piped or redirected. */
  readonly isTerminal: boolean
  /** Whether to use colors. */
  readonly color: boolean
  /** The width in characters; `Infinity` if there is no limit. */
  readonly columns: number
  /** The height in lines; `Infinity` if there is no limit. */
  readonly rows: number
  /** Resolves when the stream accepts more: a slow reader slows the command down instead of filling its memory. */
  write(text: string): Promise<void>
  /** Calls a listener when the size changes. Returns a function that removes it. */
  onResize(listener: () => void): () => void
}

/** The environment of a command. */
export interface Io {
  readonly out: Output
  readonly err: Output
  readonly env: Readonly<Record<string, string | undefined>>
  /** The current folder. */
  readonly cwd: string
  /**
   * Returns a signal that aborts on Ctrl-C, on SIGTERM, and when the output is no longer read. A second Ctrl-C ends the
   * process at once.
   */
  untilInterrupted(): AbortSignal
}

/** Returns the environment of this process. */
export function processIo(): Io {
  const interruption = new AbortController()
  return {
    out: streamOutput(process.stdout, process.env, () => interruption.abort()),
    err: streamOutput(process.stderr, process.env, () => interruption.abort()),
    env: process.env,
    cwd: process.cwd(),
    untilInterrupted: () => {
      for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => interruption.abort())
      return interruption.signal
    },
  }
}

/** Whether to use colors. NO_COLOR (no-color.org) is for users, FORCE_COLOR for continuous integration. */
export function wantsColor(isTerminal: boolean, env: Io['env']): boolean {
  if (env['NO_COLOR']) return false
  const forced = env['FORCE_COLOR']
  if (forced !== undefined) return forced !== '0' && forced !== 'false'
  return isTerminal && env['TERM'] !== 'dumb'
}

export type Style = 'bold' | 'dim' | 'green' | 'red' | 'yellow' | 'magenta'

/** Colors a text, or returns it unchanged. */
export type Paint = (style: Style, text: string) => string

/** Returns a painter. `color` already takes NO_COLOR and the terminal into account. */
export function painter(color: boolean): Paint {
  return color ? (style, text) => styleText(style, text, { validateStream: false }) : (_style, text) => text
}

function streamOutput(stream: NodeJS.WriteStream, env: Io['env'], interrupt: () => void): Output {
  const terminal = stream.isTTY ? stream : undefined
  const fixed = Number(env['COLUMNS'])
  let broken = false
  stream.on('error', (error: NodeJS.ErrnoException) => {
    // `recloser watch … | head -1`: nobody reads the output any more, which is not an error.
    if (error.code !== 'EPIPE') throw error
    broken = true
    interrupt()
  })
  return {
    isTerminal: terminal !== undefined,
    color: wantsColor(terminal !== undefined, env),
    get columns() {
      return terminal?.columns || (fixed > 0 ? fixed : Infinity)
    },
    get rows() {
      return terminal?.rows || Infinity
    },
    write: async (text) => {
      if (broken || stream.write(text)) return
      await new Promise<void>((resolve) => {
        const proceed = (): void => {
          stream.off('drain', proceed).off('error', proceed).off('close', proceed)
          resolve()
        }
        stream.on('drain', proceed).on('error', proceed).on('close', proceed)
      })
    },
    onResize: (listener) => {
      stream.on('resize', listener)
      return () => stream.off('resize', listener)
    },
  }
}
