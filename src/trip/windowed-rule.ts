import { TripRule, type Judge, type Verdict, type WindowRequest } from './rule.ts'
import { toRequest, type Counted } from './span.ts'
import type { Window } from './window/window.ts'

/** A rule that counts in windows. */
export abstract class WindowedRule extends TripRule {
  /** @internal */
  override toJudge(previous: readonly Window[]): Judge {
    const windows = new Set<Window>()
    const verdict = this.bind((wanted) => {
      const { span, minCalls, slowerThan = this.slowerThan } = wanted
      const window = previous.find((each) => each.span === span && !windows.has(each)) ?? wanted.create()
      window.minCalls = minCalls
      window.slowerThan = slowerThan
      windows.add(window)
      return window
    })
    return { verdict, windows: [...windows] }
  }
}

/** A rule that is evaluated on one window. */
export class WindowRule extends WindowedRule {
  override readonly slowerThan: number
  override readonly slowest: number
  readonly #request: WindowRequest
  readonly #name: string
  readonly #isMet: (window: Window) => boolean

  constructor(counted: Counted, defaultMinCalls: number, name: string, isMet: (window: Window) => boolean) {
    super()
    this.#request = toRequest(counted, defaultMinCalls, name)
    this.slowerThan = counted.slowerThan ?? Infinity
    this.slowest = counted.slowerThan ?? 0
    this.#name = name
    this.#isMet = isMet
  }

  override get canTripPool(): boolean {
    return this.#request.time !== undefined
  }

  override bind(request: (wanted: WindowRequest) => Window): Verdict {
    const window = request(this.#request)
    return () => (this.#isMet(window) ? this.#name : undefined)
  }
}
