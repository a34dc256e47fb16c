import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { setTimeout } from 'node:timers/promises'
import { ExitCode, type Command } from '../base/command.ts'
import { startDemo } from '../demo/demo.ts'
import { readInteger } from '../base/duration.ts'
import { transitionLine } from '../watch/lines.ts'

const DAY = 86_400

export const demo: Command = {
  name: 'demo',
  positionals: [],
  summary: 'run a service with faults of your choice, traffic through breakers, and a dashboard',
  details: `It opens a page on which you choose the number of calls and the fault of the service: it fails, is flaky, slow,
hangs, or recovers. The dashboard is below. Everything is real, and runs on this machine only.`,
  examples: ['recloser demo', 'recloser demo --port 8080 --no-open', 'recloser demo --for 10'],
  options: {
    port: { type: 'string', value: 'N', help: 'the port of the page; a free one if left out' },
    'no-open': { type: 'boolean', help: 'do not open a browser' },
    for: {
      type: 'string',
      value: 'SECONDS',
      help: 'exit after this number of seconds; at Ctrl-C if left out',
    },
  },
  async run(input, io) {
    const port = readInteger('--port', input.text('port') ?? '0', 0, 65_535)
    const text = input.text('for')
    const seconds = text === undefined ? undefined : readInteger('--for', text, 1, DAY)
    const { out } = io
    const interrupted = io.untilInterrupted()
    const running = await startDemo(
      port,
      (transition) => void out.write(transitionLine(transition, out.color)),
    )
    const { url } = running
    await out.write(`The demo is at ${url}/ (Ctrl-C ends it). From another terminal:

  npx recloser watch ${url}/dashboard
  npx recloser isolate ${url}/dashboard payments --reason maintenance
  npx recloser close ${url}/dashboard payments

`)
    if (out.isTerminal && !input.flag('no-open')) openBrowser(`${url}/`)
    await untilEnd(interrupted, seconds)
    await out.write(`\n${await running.end()}`)
    return ExitCode.DONE
  },
}

/** Resolves after `seconds`, or when the signal aborts. */
async function untilEnd(signal: AbortSignal, seconds: number | undefined): Promise<void> {
  if (seconds !== undefined) await setTimeout(seconds * 1_000, undefined, { signal }).catch(() => {})
  else if (!signal.aborted) await once(signal, 'abort')
}

const BROWSERS: Readonly<Record<string, readonly [file: string, ...args: string[]]>> = {
  darwin: ['open'],
  win32: ['cmd', '/c', 'start', ''],
}

/** Opens a page in the user's browser, if there is one. A failure is ignored, because nothing depends on it. */
function openBrowser(url: string): void {
  const [file, ...args] = BROWSERS[process.platform] ?? ['xdg-open']
  const child = spawn(file, [...args, url], { stdio: 'ignore', detached: true })
  child.on('error', () => {})
  child.unref()
}
