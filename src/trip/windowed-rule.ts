import { check } from '../base/validate.ts'
import type { ErrorSink } from '../base/error-sink.ts'
import type { TripRuleDescription, WindowRuleDescription } from './description.ts'
import { longestRun, waitsFor } from './inert.ts'
import { TripRule, type Judge, type JudgedCircuit, type Verdict, type WindowRequest } from './rule.ts'
import { toRequest, type Counted } from './span.ts'
import type { Window } from './window/window.ts'

/** The generations for which it was reported that the rule is inert. */
const reported = /* @__PURE__ */ new WeakSet()

/** A rule that counts in windows. */
export abstract class WindowedRule extends TripRule {
  /** @internal The rule as data. */
  abstract readonly description: TripRuleDescription
  /** @internal The largest `slowerThan` of the rules that it combines. */
  abstract readonly slowest: number

  /** @internal */
  override checkTimeout(callTimeout: number): void {
    check(
      this.slowest <= callTimeout,
      'slowerThan',
      `a number up to \`callTimeout\` (${callTimeout}), else no call is ever slow`,
      this.slowest,
    )
  }

  /** @internal */
  override toJudge(previous: readonly Window[], circuit: JudgedCircuit): Judge {
    const used = new Set<Window>()
    const bound = this.bind((wanted) => {
      const { span, minCalls, slowerThan = this.slowerThan } = wanted
      const window = previous.find((each) => each.span === span && !used.has(each)) ?? wanted.create()
      window.minCalls = minCalls
      window.slowerThan = slowerThan
      used.add(window)
      return window
    }, circuit.userCode)
    const windows = [...used]
    const longest = longestRun(this.description)
    const verdict: Verdict = (consecutive) => {
      const { generation } = circuit
      const { calls } = generation
      const reason = bound(consecutive)
      // A custom rule is user code, which may have changed the circuit: then it judged counts or a rule of before.
      if (generation !== circuit.generation || generation.calls < calls || circuit.options.trip !== this)
        return undefined
      if (reason === undefined && consecutive > longest && circuit.options.mode === 'enforce')
        reportInert(this.description, windows, consecutive, circuit)
      return reason
    }
    return { verdict, windows }
  }
}

/** Reports once per closed period that a rule does not trip although all calls fail (S19c). */
function reportInert(
  rule: TripRuleDescription,
  windows: readonly Window[],
  run: number,
  { generation, userCode }: JudgedCircuit,
): void {
  if (reported.has(generation)) return
  const awaited = waitsFor(rule, windows.values())
  if (awaited === undefined) return
  reported.add(generation)
  userCode.report(new Error(`The circuit is still closed after ${run} failures in a row: ${awaited}`))
}

/** Whether a rule is met on its window. */
export type IsMet = (window: Window, consecutive: number, errors: ErrorSink) => boolean

/** What identifies a rule that is evaluated on one window, without its window. */
type Identity = WindowRuleDescription extends infer D
  ? D extends unknown
    ? Omit<D, 'window' | 'buckets' | 'lastCalls' | 'minCalls'>
    : never
  : never

/** A rule that is evaluated on one window. */
export class WindowRule extends WindowedRule {
  override readonly description: WindowRuleDescription
  override readonly slowerThan: number
  override readonly slowest: number
  override readonly canTripPool: boolean
  readonly #request: WindowRequest
  readonly #name: string
  readonly #isMet: IsMet

  constructor(counted: Counted, defaultMinCalls: number, identity: Identity, isMet: IsMet) {
    super()
    const { window, lastCalls, slowerThan } = counted
    this.#request = toRequest(counted, defaultMinCalls, identity.rule)
    const { minCalls, time } = this.#request
    const span = time ? { window, buckets: time.buckets } : { lastCalls }
    this.description = Object.freeze({ ...identity, ...span, minCalls })
    this.slowerThan = slowerThan ?? Infinity
    this.slowest = slowerThan ?? 0
    this.canTripPool = time !== undefined
    this.#name = 'name' in identity ? identity.name : identity.rule
    this.#isMet = isMet
    Object.freeze(this)
  }

  override bind(request: (wanted: WindowRequest) => Window, errors: ErrorSink): Verdict {
    const window = request(this.#request)
    return (consecutive) => (this.#isMet(window, consecutive, errors) ? this.#name : undefined)
  }
}
