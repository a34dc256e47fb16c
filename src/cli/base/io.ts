import { styleText } from 'node:util'

/** Where a command writes to. */
export interface Output {
  /** False when it is piped or redirected. */
  readonly isTerminal: boolean
  /** Whether colours are wanted. */
  readonly colour: boolean
  /** In characters; `Infinity` where nothing limits them. */
  readonly columns: number
  readonly rows: number
  /** Resolves when there is room for more: a slow reader slows us down and costs no memory. */
  write(text: string): Promise<void>
  /** Calls back when the size changes. Returns what ends it. */
  onResize(listener: () => void): () => void
}

/** The world as a command sees it. */
export interface Io {
  readonly out: Output
  readonly err: Output
  readonly env: Readonly<Record<string, string | undefined>>
  /** The folder that the command was given in. */
  readonly cwd: string
  /** Aborts at Ctrl-C, at SIGTERM, and when nobody reads what is written. A second Ctrl-C ends the process at once. */
  untilInterrupted(): AbortSignal
}

/** The world as it is. */
export function processIo(): Io {
  const gone = new AbortController()
  return {
    out: streamOutput(process.stdout, process.env, () => gone.abort()),
    err: streamOutput(process.stderr, process.env, () => gone.abort()),
    env: process.env,
    cwd: process.cwd(),
    untilInterrupted: () => {
      for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => gone.abort())
      return gone.signal
    },
  }
}

/** NO_COLOR (no-color.org) is for users, FORCE_COLOR for continuous integration. */
export function wantsColour(isTerminal: boolean, env: Io['env']): boolean {
  if (env['NO_COLOR']) return false
  const forced = env['FORCE_COLOR']
  if (forced !== undefined) return forced !== '0' && forced !== 'false'
  return isTerminal && env['TERM'] !== 'dumb'
}

export type Style = 'bold' | 'dim' | 'green' | 'red' | 'yellow' | 'magenta'

/** Colours a text, or leaves it as it is. */
export type Paint = (style: Style, text: string) => string

/** Who asks has looked at NO_COLOR and at the terminal. */
export function painter(colour: boolean): Paint {
  return colour ? (style, text) => styleText(style, text, { validateStream: false }) : (_style, text) => text
}

function streamOutput(stream: NodeJS.WriteStream, env: Io['env'], gone: () => void): Output {
  const terminal = stream.isTTY ? stream : undefined
  const fixed = Number(env['COLUMNS'])
  let broken = false
  stream.on('error', (error: NodeJS.ErrnoException) => {
    // `recloser watch … | head -1`: there is nobody left to read, which is no fault.
    if (error.code !== 'EPIPE') throw error
    broken = true
    gone()
  })
  return {
    isTerminal: terminal !== undefined,
    colour: wantsColour(terminal !== undefined, env),
    get columns() {
      return terminal?.columns || (fixed > 0 ? fixed : Infinity)
    },
    get rows() {
      return terminal?.rows || Infinity
    },
    write: async (text) => {
      if (broken || stream.write(text)) return
      await new Promise<void>((resolve) => {
        const go = (): void => {
          stream.off('drain', go).off('error', go).off('close', go)
          resolve()
        }
        stream.on('drain', go).on('error', go).on('close', go)
      })
    },
    onResize: (listener) => {
      stream.on('resize', listener)
      return () => stream.off('resize', listener)
    },
  }
}
