import { ConsecutiveFailures } from './consecutive-failures.ts'
import type { TripRuleDescription } from './description.ts'
import type { TripRule } from './rule.ts'
import { WindowedRule } from './windowed-rule.ts'

/** Returns a rule as data. */
export function describeRule(rule: TripRule): TripRuleDescription {
  if (rule instanceof WindowedRule) return rule.description
  // Every bundle has this rule, so its description is made here: only those pay for it who use it.
  return rule instanceof ConsecutiveFailures && rule.canTrip
    ? { rule: 'consecutiveFailures', count: rule.count }
    : { rule: 'never' }
}
