import {
  CONTROL_HEADER,
  CONTROL_HEADER_VALUE,
  type ControlRequest,
  type ControlResult,
} from '../../dashboard/protocol.ts'
import type { MonitorSnapshot } from '../../monitor/report.ts'
import { isObject } from '../../base/validate.ts'
import { Failure } from '../base/command.ts'
import { didYouMean, suggest } from '../base/suggestions.ts'
import { parseJson, printable, quote } from '../base/text.ts'
import { showUrl, type Address } from './address.ts'
import { isReport, isSnapshot, otherVersion, readEvent, type DashboardEvent } from './check.ts'
import { EventStreamParser } from './event-stream.ts'
import { explainError, explainStatus, notADashboard } from './explain.ts'

/** How long to wait for a server, in milliseconds. */
export interface Patience {
  /** For an answer. */
  readonly answer: number
  /** For the next data of a stream, which sends some every second. */
  readonly silence: number
}

const PATIENCE: Patience = { answer: 10_000, silence: 15_000 }

/** Talks to one dashboard. Every error is a {@link Failure} that says what to do. */
export class DashboardClient {
  readonly #address: Address
  readonly #patience: Patience

  constructor(address: Address, patience: Patience = PATIENCE) {
    this.#address = address
    this.#patience = patience
  }

  get url(): URL {
    return this.#address.url
  }

  async snapshot(): Promise<MonitorSnapshot> {
    const { answer, body } = await this.#ask('snapshot', {})
    if (!answer.ok) throw this.#refusal(answer, body)
    if (!isSnapshot(body)) throw this.#unexpected(answer, body)
    return body
  }

  async control(request: ControlRequest): Promise<ControlResult> {
    const { answer, body } = await this.#ask('control', {
      method: 'POST',
      headers: { 'content-type': 'application/json', [CONTROL_HEADER]: CONTROL_HEADER_VALUE },
      body: JSON.stringify(request),
    })
    if (answer.status === 404) throw await this.#unknown(request.id)
    if (!answer.ok) throw this.#refusal(answer, body)
    if (!isObject(body) || typeof body['changed'] !== 'boolean' || !isReport(body['breaker'])) {
      throw this.#unexpected(answer, body)
    }
    return { changed: body['changed'], breaker: body['breaker'] }
  }

  /** Yields the events of one connection. Throws a {@link Failure} when it ends, and returns when the signal aborts. */
  async *events(signal: AbortSignal): AsyncGenerator<DashboardEvent, void, undefined> {
    const silent = new AbortController()
    const timer = setTimeout(
      () => silent.abort(new DOMException('it fell silent', 'TimeoutError')),
      this.#patience.silence,
    )
    try {
      const answer = await this.#fetch('events', { headers: { accept: 'text/event-stream' } }, [
        signal,
        silent.signal,
      ])
      if (!answer.ok || mediaType(answer) !== 'text/event-stream') {
        const body = await readBody(answer)
        throw answer.ok ? this.#unexpected(answer, body) : this.#refusal(answer, body)
      }
      const parser = new EventStreamParser()
      for await (const chunk of answer.body ?? []) {
        timer.refresh()
        for (const { event, data } of parser.push(chunk)) {
          const known = readEvent(event, data)
          if (known === 'malformed') throw notADashboard(this.url, `an event \`${event}\` of another shape`)
          if (known !== undefined) yield known
        }
      }
      throw new Failure(`${showUrl(this.url)} has ended the stream.`)
    } catch (error) {
      if (signal.aborted) return
      throw error instanceof Failure ? error : explainError(error, this.url)
    } finally {
      clearTimeout(timer)
      // Close the connection when the consumer stops.
      silent.abort()
    }
  }

  async #ask(path: string, init: RequestInit): Promise<{ answer: Response; body: unknown }> {
    try {
      const answer = await this.#fetch(path, init, [AbortSignal.timeout(this.#patience.answer)])
      return { answer, body: await readBody(answer) }
    } catch (error) {
      throw explainError(error, this.url)
    }
  }

  #fetch(path: string, init: RequestInit, signals: AbortSignal[]): Promise<Response> {
    const url = new URL(path, this.url)
    url.search = this.url.search
    const headers = new Headers(this.#address.headers)
    for (const [name, value] of new Headers(init.headers)) headers.set(name, value)
    return fetch(url, { ...init, headers, redirect: 'manual', signal: AbortSignal.any(signals) })
  }

  #refusal(answer: Response, body: unknown): Failure {
    const said = isObject(body) && typeof body['error'] === 'string' ? body['error'].slice(0, 500) : ''
    if (answer.status === 404 || answer.status === 405) {
      return notADashboard(this.url, `${answer.status}${said === '' ? '' : ` (${quote(said)})`}`)
    }
    return explainStatus(answer.status, said, this.url, answer.headers.get('location'))
  }

  #unexpected(answer: Response, body: unknown): Failure {
    const version = otherVersion(body)
    if (version !== undefined) {
      return new Failure(
        `The dashboard at ${showUrl(this.url)} speaks version ${version}, this command version 1.`,
        'Use the same version of recloser here as there, such as npx recloser@latest.',
      )
    }
    if (body !== undefined) return notADashboard(this.url, 'JSON of another shape')
    const type = mediaType(answer)
    return notADashboard(
      this.url,
      type === '' ? 'something else' : type === 'text/html' ? 'a page (HTML)' : type,
    )
  }

  /** Explains a 404: there is no such breaker, or no dashboard. */
  async #unknown(id: string): Promise<Failure> {
    const { breakers } = await this.snapshot()
    const ids = breakers.map((breaker) => breaker.id)
    const similar = suggest(id, ids)
    return new Failure(`There is no breaker ${quote(id)} at ${showUrl(this.url)}.`, adviseName(similar, ids))
  }
}

function adviseName(similar: readonly string[], ids: readonly string[]): string {
  if (similar.length > 0) return didYouMean(similar)
  if (ids.length === 0) return 'It watches no breakers.'
  const shown = ids.slice(0, 10).map(quote).join(', ')
  return `There ${ids.length === 1 ? 'is' : 'are'} ${shown}${ids.length > 10 ? ` and ${ids.length - 10} more` : ''}.`
}

/** Returns the media type of an answer; `''` if it has none. */
const mediaType = (answer: Response): string =>
  printable((answer.headers.get('content-type') ?? '').split(';')[0]!.trim().toLowerCase().slice(0, 80))

/** Returns the parsed JSON of an answer; `undefined` if it is not JSON. */
async function readBody(answer: Response): Promise<unknown> {
  // Any other body may be endless.
  if (mediaType(answer) !== 'application/json') {
    await answer.body?.cancel()
    return undefined
  }
  return parseJson(await answer.text())
}
