import { createServer, type ServerResponse } from 'node:http'
import { closeServer, listenOnLoopback } from './loopback.ts'

/** The faults that a part of the service can have. */
export const FAULTS = ['none', 'fail', 'flaky', 'slow', 'hang'] as const
export type Fault = (typeof FAULTS)[number]

/** The maximum latency of an answer, in milliseconds. The minimum is half of it. */
const LATENCY = 30
const SLOW = 900

/** A real HTTP service on loopback whose parts can be made to fail. */
export interface Service {
  urlOf(part: string): string
  faultOf(part: string): Fault
  setFault(part: string, fault: Fault): void
  close(): Promise<void>
}

interface Part {
  fault: Fault
}

export async function startService(names: readonly string[]): Promise<Service> {
  const parts = new Map(names.map((name): [string, Part] => [name, { fault: 'none' }]))
  const find = (name: string): Part => {
    const part = parts.get(name)
    if (part === undefined) throw new RangeError(`The service has no part ${name}`)
    return part
  }
  const server = createServer((request, response) => {
    const part = parts.get((request.url ?? '').slice(1))
    if (part === undefined) response.writeHead(404).end()
    else respond(part, response)
  })
  const port = await listenOnLoopback(server, 0)
  return {
    urlOf: (name) => `http://127.0.0.1:${port}/${name}`,
    faultOf: (name) => find(name).fault,
    setFault: (name, fault) => {
      find(name).fault = fault
    },
    close: () => closeServer(server),
  }
}

/** Answers a request, with the fault that is set when it arrives. */
function respond({ fault }: Part, response: ServerResponse): void {
  const fails = fault === 'fail' || (fault === 'flaky' && Math.random() < 0.6)
  if (fault === 'hang') return // until the client hangs up
  const latency = fault === 'slow' ? SLOW : LATENCY
  const timer = setTimeout(
    () => {
      if (fails) response.writeHead(503).end('out of order')
      else response.end('fine')
    },
    latency * (0.5 + 0.5 * Math.random()),
  )
  response.on('close', () => clearTimeout(timer))
}
