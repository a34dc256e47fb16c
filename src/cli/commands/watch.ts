import { ADDRESS_OPTIONS, readAddress, showUrl } from '../client/address.ts'
import { DashboardClient } from '../client/client.ts'
import { ExitCode, type Command } from '../base/command.ts'
import { painter, type Io } from '../base/io.ts'
import { breakerTable, tally } from '../watch/breakers.ts'
import { period } from '../table/format.ts'
import { jsonLine } from '../base/text.ts'
import { Board } from '../watch/board.ts'
import { follow, type WatchUpdate } from '../watch/follow.ts'
import { TransitionLog } from '../watch/lines.ts'
import { Screen } from '../watch/screen.ts'

export const watch: Command = {
  name: 'watch',
  positionals: ['URL'],
  summary: 'watch all breakers of a dashboard, the worst first',
  details: `On a terminal it draws a table, and updates it once a second and at every transition. Piped, it prints one line
per transition. When the stream ends, it reports that and reconnects. Ctrl-C ends it with exit code 0.

With --json it prints one JSON object per line: { "type": "snapshot" | "update" | "transition", "data": … } as the
dashboard sends them, and { "type": "disconnected", "error": …, "retryIn": milliseconds }.`,
  examples: [
    'recloser watch http://127.0.0.1:3000/breakers',
    "recloser watch https://shop.example/breakers --header 'Authorization: Bearer …'",
    'recloser watch http://127.0.0.1:3000/breakers --once --json',
  ],
  options: {
    once: { type: 'boolean', help: 'print the table once and exit' },
    json: { type: 'boolean', help: 'print one JSON object per line' },
    ...ADDRESS_OPTIONS,
  },
  async run(input, io) {
    const client = new DashboardClient(readAddress(input))
    const json = input.flag('json')
    if (input.flag('once')) await printOnce(client, json, io)
    else if (json) await printJson(client, io)
    else if (io.out.isTerminal) await drawTable(client, io)
    else await printTransitions(client, io)
    return ExitCode.DONE
  },
}

async function printOnce(client: DashboardClient, json: boolean, { out }: Io): Promise<void> {
  const snapshot = await client.snapshot()
  if (json) return out.write(jsonLine({ type: 'snapshot', data: snapshot }))
  const board = new Board()
  board.show(snapshot, 0)
  const paint = painter(out.color)
  const table = breakerTable(board, { columns: out.columns, rows: Infinity, paint, now: 0 })
  await out.write(`${[...table, '', tally(board, paint)].join('\n')}\n`)
}

async function printJson(client: DashboardClient, io: Io): Promise<void> {
  for await (const update of follow(client, io.untilInterrupted())) {
    const line = update.type === 'disconnected' ? { ...update, error: update.error.message } : update
    await io.out.write(jsonLine(line))
  }
}

async function printTransitions(client: DashboardClient, io: Io): Promise<void> {
  const log = new TransitionLog(io.out)
  const board = new Board()
  for await (const update of follow(client, io.untilInterrupted())) {
    board.apply(update, 0)
    await io.err.write(connectionLine(update, client, board))
    await log.take(update)
  }
}

/** Returns the line for stderr, which is about the connection and not about the breakers; `''` if there is none. */
function connectionLine(update: WatchUpdate, client: DashboardClient, board: Board): string {
  if (update.type === 'snapshot') return `Watching ${showUrl(client.url)}: ${tally(board)}\n`
  if (update.type !== 'disconnected') return ''
  return `${update.error.message} Trying again in ${period(update.retryIn)}.\n`
}

const SOON = 50 // ms; if a hundred breakers trip at once, the table is drawn once

async function drawTable(client: DashboardClient, io: Io): Promise<void> {
  const { out } = io
  const board = new Board()
  const signal = io.untilInterrupted()
  const screen = new Screen(out, showUrl(client.url))
  let entered = false
  let planned: NodeJS.Timeout | undefined
  const draw = (): void => {
    if (!entered) return
    planned ??= setTimeout(() => {
      planned = undefined
      void screen.draw(board)
    }, SOON)
  }
  // Times keep counting when no update arrives.
  const ticker = setInterval(draw, 1_000)
  const endResize = out.onResize(draw)
  try {
    for await (const update of follow(client, signal)) {
      board.apply(update, performance.now())
      // Not before the first update: an error of the first connection has to stay on the normal screen.
      if (!entered) await screen.enter()
      entered = true
      draw()
    }
  } finally {
    clearInterval(ticker)
    clearTimeout(planned)
    endResize()
    if (entered) await screen.leave(board)
  }
}
