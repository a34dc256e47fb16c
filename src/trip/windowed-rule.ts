import { TripRule, type Judge, type Verdict, type WindowRequest } from './rule.ts'
import type { Window } from './window/window.ts'

/** A rule that counts in windows. */
export abstract class WindowedRule extends TripRule {
  /** @internal */
  override judge(previous: readonly Window[]): Judge {
    const spare = [...previous]
    const windows: Window[] = []
    const verdict = this.begin((wanted) => {
      const { span, minCalls, slowerThan = this.slowerThan } = wanted
      const found = spare.findIndex((window) => window.span === span)
      const window = found < 0 ? wanted.create() : spare.splice(found, 1)[0]!
      window.minCalls = minCalls
      window.slowerThan = slowerThan
      windows.push(window)
      return window
    })
    return { verdict, windows }
  }
}

/** A rule that is met by what one window counts. */
export class WindowRule extends WindowedRule {
  override readonly slowerThan: number
  override readonly slowest: number
  readonly #request: WindowRequest
  readonly #name: string
  readonly #isMet: (window: Window) => boolean

  constructor(request: WindowRequest, name: string, isMet: (window: Window) => boolean) {
    super()
    const { slowerThan } = request
    this.slowerThan = slowerThan ?? Infinity
    this.slowest = slowerThan ?? 0
    this.#request = request
    this.#name = name
    this.#isMet = isMet
  }

  override get canTripPool(): boolean {
    return this.#request.time !== undefined
  }

  override begin(request: (wanted: WindowRequest) => Window): Verdict {
    const window = request(this.#request)
    return () => (this.#isMet(window) ? this.#name : undefined)
  }
}
