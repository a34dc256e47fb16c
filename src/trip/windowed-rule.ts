import { TripRule, type Judge } from './rule.ts'
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
