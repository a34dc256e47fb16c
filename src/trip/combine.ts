import type { ErrorSink } from '../base/error-sink.ts'
import { check } from '../base/validate.ts'
import type { TripRuleDescription } from './description.ts'
import { describeRule } from './describe.ts'
import { TripRule, type Verdict, type WindowRequest } from './rule.ts'
import type { Window } from './window/window.ts'
import { WindowedRule } from './windowed-rule.ts'

/** Combines the verdicts of several rules into one. */
type Combine = (verdicts: readonly Verdict[]) => Verdict

class Combination extends WindowedRule {
  override readonly slowerThan: number
  override readonly slowest: number
  override readonly canTripPool: boolean
  override readonly description: TripRuleDescription
  readonly #rules: readonly TripRule[]
  readonly #combine: Combine

  constructor(kind: 'anyOf' | 'allOf', rules: readonly TripRule[], combine: Combine, canTripPool: boolean) {
    super()
    this.description = Object.freeze({ rule: kind, rules: Object.freeze(rules.map(describeRule)) })
    this.slowerThan = Math.min(...rules.map((rule) => rule.slowerThan))
    this.slowest = Math.max(...rules.map((rule) => (rule instanceof WindowedRule ? rule.slowest : 0)))
    this.#rules = rules
    this.#combine = combine
    this.canTripPool = canTripPool
    Object.freeze(this)
  }

  override bind(request: (wanted: WindowRequest) => Window, errors: ErrorSink): Verdict {
    return this.#combine(this.#rules.map((rule) => rule.bind(request, errors)))
  }
}

function checkRules(rules: readonly TripRule[], name: string): void {
  check(rules.length > 0, name, 'given at least one rule', rules.length)
  rules.forEach((rule, index) => TripRule.check(rule, `${name} argument ${index + 1}`))
}

/**
 * Returns a rule that trips when any of the given rules trips. The trip reason is the name of the first one that does.
 *
 * @throws {TypeError} if no rule is given, an argument is not a rule, or none of the rules can ever trip.
 *
 * @example
 * ```ts
 * import { anyOf, consecutiveFailures, slowCallRate } from 'recloser'
 *
 * const trip = anyOf(
 *   consecutiveFailures(5),
 *   slowCallRate({ threshold: 0.5, slowerThan: 1_000, lastCalls: 50 }),
 * )
 * ```
 */
export function anyOf(...rules: TripRule[]): TripRule {
  checkRules(rules, 'anyOf')
  check(
    rules.some((rule) => rule.canTrip),
    'anyOf',
    'given a rule that can trip',
    'only never()',
  )
  const combine: Combine = (verdicts) => (consecutive) => {
    for (const verdict of verdicts) {
      const reason = verdict(consecutive)
      if (reason !== undefined) return reason
    }
    return undefined
  }
  return new Combination(
    'anyOf',
    rules,
    combine,
    rules.some((rule) => rule.canTrip && rule.canTripPool),
  )
}

/**
 * Returns a rule that trips when all of the given rules trip at the same time. The trip reason joins their names with
 * `+`.
 *
 * @throws {TypeError} if no rule is given, an argument is not a rule, or one of the rules can never trip.
 *
 * @example
 * ```ts
 * import { allOf, failureCount, failureRate } from 'recloser'
 *
 * const trip = allOf(
 *   failureRate({ threshold: 0.1, window: 60_000 }),
 *   failureCount({ count: 30, window: 60_000 }),
 * )
 * ```
 */
export function allOf(...rules: TripRule[]): TripRule {
  checkRules(rules, 'allOf')
  check(
    rules.every((rule) => rule.canTrip),
    'allOf',
    'given only rules that can trip',
    'never()',
  )
  const combine: Combine = (verdicts) => (consecutive) => {
    const reasons: string[] = []
    for (const verdict of verdicts) {
      const reason = verdict(consecutive)
      if (reason === undefined) return undefined
      reasons.push(reason)
    }
    return reasons.join('+')
  }
  return new Combination(
    'allOf',
    rules,
    combine,
    rules.every((rule) => rule.canTripPool),
  )
}
