import { readFile } from 'node:fs/promises'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { Dashboard } from '../../dashboard/server/dashboard.ts'
import { isObject } from '../../base/validate.ts'
import { Failure } from '../base/command.ts'
import { parseJson } from '../base/text.ts'
import { closeServer, listenOnLoopback } from './loopback.ts'
import { css, html, MAX_RATE } from './page.ts'
import { FAULTS, type Fault } from './service.ts'
import type { Tally } from './shop.ts'

/** What the panel shows: the answer to `GET ./state`. */
export interface PanelState {
  /** Calls per second. */
  readonly rate: number
  readonly dependencies: readonly {
    readonly name: string
    readonly about: string
    readonly fault: Fault
    readonly tally: Tally
  }[]
}

/** What the panel changes: the body of `POST ./set`, which is answered by a {@link PanelState}. */
export interface PanelChange {
  /** Calls per second, at most {@link MAX_RATE}. */
  readonly rate?: number
  /** The fault of `dependency`, or of all if that is left out. */
  readonly fault?: Fault
  readonly dependency?: string
}

/** What the panel shows and controls. */
export interface Panel {
  state(): PanelState
  change(change: PanelChange): void
}

export interface DemoServer {
  readonly url: string
  close(): Promise<void>
}

const POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "connect-src 'self'",
  "frame-src 'self'",
  'img-src data:',
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join('; ')

const LONGEST_BODY = 1_000
/** The path of the dashboard. */
export const DASHBOARD = '/dashboard'

/** Serves the page, the panel's requests and the dashboard, on loopback only. If `port` is 0, it chooses a free one. */
export async function startServer(panel: Panel, dashboard: Dashboard, port: number): Promise<DemoServer> {
  const script = await compiledScript()
  const server = createServer((request, response) => {
    handle(request, response).catch(() => response.writableEnded || response.destroy())
  })
  let hosts: readonly string[] = []

  async function handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    // Against DNS rebinding: a site can let its own name resolve to 127.0.0.1, but the browser then sends that name.
    if (!hosts.includes(request.headers.host ?? ''))
      return send(response, 403, 'text/plain', 'Not for this host.')
    const { pathname } = new URL(request.url ?? '/', 'http://demo')
    if (pathname === DASHBOARD || pathname.startsWith(`${DASHBOARD}/`))
      return dashboard.node(request, response)
    const route = `${request.method} ${pathname}`
    if (route === 'GET /') return send(response, 200, 'text/html', html)
    if (route === 'GET /panel.css') return send(response, 200, 'text/css', css)
    if (route === 'GET /panel.js') return send(response, 200, 'text/javascript', script)
    if (route === 'GET /state') return sendJson(response, 200, panel.state())
    if (route === 'POST /set') return set(request, response)
    return sendJson(response, 404, { error: 'There is nothing here.' })
  }

  async function set(request: IncomingMessage, response: ServerResponse): Promise<void> {
    if (request.headers['x-recloser'] !== 'demo' || request.headers['content-type'] !== 'application/json') {
      return sendJson(response, 403, { error: 'Only the panel may do that.' })
    }
    const change = readChange(await readBody(request), panel.state())
    if (change === undefined) return sendJson(response, 400, { error: 'Expected a change of the panel.' })
    panel.change(change)
    return sendJson(response, 200, panel.state())
  }

  const actual = await listen(server, port)
  hosts = [`127.0.0.1:${actual}`, `localhost:${actual}`]
  return {
    url: `http://127.0.0.1:${actual}`,
    close: () => closeServer(server),
  }
}

async function listen(server: Server, port: number): Promise<number> {
  try {
    return await listenOnLoopback(server, port)
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException
    const why = code === 'EADDRINUSE' ? 'it is in use' : code === 'EACCES' ? 'it is not allowed' : message
    throw new Failure(
      `Cannot listen on port ${port}: ${why}.`,
      'Choose another with --port, or leave it out for a free one.',
    )
  }
}

/** Reads the panel's script, which is built into the same folder. */
const compiledScript = (): Promise<string> => readFile(new URL('panel.js', import.meta.url), 'utf8')

function send(response: ServerResponse, status: number, type: string, body: string): void {
  response.writeHead(status, {
    'content-type': `${type}; charset=utf-8`,
    'cache-control': 'no-store',
    'content-security-policy': POLICY,
    'referrer-policy': 'no-referrer',
    'x-content-type-options': 'nosniff',
  })
  response.end(body)
}

function sendJson(response: ServerResponse, status: number, body: unknown): void {
  send(response, status, 'application/json', JSON.stringify(body))
}

/** Returns the parsed JSON of a body; `undefined` if it is too long or not JSON. */
async function readBody(request: IncomingMessage): Promise<unknown> {
  let text = ''
  for await (const chunk of request.setEncoding('utf8')) {
    text += chunk as string
    if (text.length > LONGEST_BODY) return undefined
  }
  return parseJson(text)
}

function readChange(body: unknown, { dependencies }: PanelState): PanelChange | undefined {
  if (!isObject(body) || Array.isArray(body)) return undefined
  const { rate, fault, dependency } = body
  if (rate !== undefined && !(typeof rate === 'number' && rate >= 0 && rate <= MAX_RATE)) return undefined
  if (fault !== undefined && !FAULTS.includes(fault as Fault)) return undefined
  if (dependency !== undefined && !dependencies.some(({ name }) => name === dependency)) return undefined
  return body
}
