import { fork, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { styleText } from 'node:util'
import { findRedis } from './redis.ts'

/** The instructions for one process of the fleet. */
export interface Role {
  readonly host: string
  readonly redis: string
  readonly service: string
  /** Milliseconds between two calls. */
  readonly every: number
}

/** A message from one process of the fleet. */
export type Report =
  | { readonly host: string; readonly to: string; readonly reason: string }
  | { readonly host: string; readonly call: 'answered' | 'failed' | 'rejected' }

type Style = Parameters<typeof styleText>[0]

const HOSTS = ['shop-1', 'shop-2', 'shop-3']
const EVERY = 250
const HEALTHY = 1_000
/** Milliseconds. The outage ends after the first probe from then on, so that the next probe finds a healthy service. */
const SHORTEST_OUTAGE = 3_000
/** Milliseconds that the processes may take to start, and that the rest may take. */
const LONGEST_START = 45_000
const LONGEST_PLAY = 15_000
const STATE_STYLE: Readonly<Record<string, Style>> = { closed: 'green', open: 'red', 'half-open': 'yellow' }

const start = performance.now()
const paint = (style: Style, text: string): string => styleText(style, text, { stream: process.stdout })

function line(host: string, style: Style, label: string, detail: string): void {
  const seconds = ((performance.now() - start) / 1_000).toFixed(2)
  console.log(
    `${paint('dim', `${seconds.padStart(6)} s`)}  ${host.padEnd(8)} ${paint(style, label.padEnd(9))} ${detail}`,
  )
}

/** Starts the service and the fleet, makes the service fail for a while, prints what happens, and sums up. */
export async function direct(program: string): Promise<void> {
  const redis = await findRedis()
  const states = new Map<string, string>()
  const allAre = (state: string): boolean => HOSTS.every((host) => states.get(host) === state)
  const calls = { answered: 0, failed: 0, rejected: 0 }
  const requests = { whileDown: 0, probes: 0 }
  let down = false
  let allOpen = false
  let firstOpen: number | undefined

  const server = createServer(({ headers }, response) => {
    response.writeHead(down ? 503 : 200).end()
    if (down) requests.whileDown++
    if (allOpen) requests.probes++
    const answer = `the service answers ${down ? '503' : '200'}`
    if (down || allOpen)
      line(String(headers['x-host']), down ? 'red' : 'green', allOpen ? '→ probe' : '✗ call', answer)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const service = `http://127.0.0.1:${(server.address() as AddressInfo).port}`

  function onReport(report: Report): void {
    if ('call' in report) {
      if (!states.has(report.host)) states.set(report.host, 'closed') // it has started
      if (down) calls[report.call]++
      return
    }
    const { host, to, reason } = report
    states.set(host, to)
    line(host, 'bold', '● circuit', `${paint(STATE_STYLE[to] ?? 'reset', to)} (${reason})`)
    if (to === 'closed') allOpen = false
    if (to === 'open') firstOpen ??= performance.now()
    if (allAre('open') && !allOpen) {
      allOpen = true
      const after = Math.round(performance.now() - (firstOpen ?? 0))
      console.log(
        paint('dim', `            all ${HOSTS.length} processes are open, ${after} ms after the first`),
      )
    }
  }

  console.log(
    `${paint('bold', `${HOSTS.length} processes ask a service every ${EVERY} ms each, and share a breaker on ${redis.url}.`)}\n`,
  )
  const fleet: ChildProcess[] = HOSTS.map((host) => {
    const role: Role = { host, redis: redis.url, service, every: EVERY }
    const child = fork(program, [JSON.stringify(role)])
    return child.on('message', (what) => onReport(what as Report))
  })
  let end = performance.now() + LONGEST_START
  const until = async (condition: () => boolean): Promise<void> => {
    while (!condition() && performance.now() < end) await sleep(20)
  }
  await until(() => allAre('closed'))
  end = performance.now() + LONGEST_PLAY
  await sleep(HEALTHY)

  line('', 'bold', 'the service is down', '')
  down = true
  await sleep(SHORTEST_OUTAGE)
  await until(() => requests.probes > 0)
  down = false
  line('', 'bold', 'the service has recovered', '')
  await until(() => allAre('closed'))
  const recovered = allAre('closed') && firstOpen !== undefined

  const ended = fleet.map(async (child) => {
    child.disconnect()
    await once(child, 'exit')
  })
  await Promise.all(ended)
  server.close()
  server.closeAllConnections()
  await redis.stop()

  const total = calls.answered + calls.failed + calls.rejected
  console.log(`\nWhile the service was down, ${total} calls were made and ${requests.whileDown} reached it.`)
  console.log(`Once all were open, ${requests.probes} probes found out for all of them how it is.`)
  console.log(
    recovered ? paint('green', 'All are closed again.') : paint('red', 'The fleet has not recovered.'),
  )
  if (!recovered) process.exitCode = 1
}
