import { showDuration } from '../base/duration.ts'
import type { TripRuleDescription, WindowRuleDescription } from './description.ts'
import type { Window } from './window/window.ts'

// A rule is inert if the traffic can never meet it. Its circuit then stays closed although every call fails.

/** The least number of consecutive failures after which it is reported that a circuit is still closed. */
const LEAST_RUN = 100

/** Returns how many consecutive failures a rule may take to trip, besides what its windows need. */
export function longestRun(rule: TripRuleDescription): number {
  if ('rules' in rule) return Math.max(...rule.rules.map(longestRun))
  return rule.rule === 'consecutiveFailures' ? Math.max(LEAST_RUN, rule.count) : LEAST_RUN
}

/** Returns how many calls the window of a rule must hold for the rule to trip, and the option that says so. */
export function neededCalls(
  rule: WindowRuleDescription,
): readonly [needed: number, option: 'count' | 'minCalls'] {
  return rule.rule === 'failureCount' && rule.count >= rule.minCalls
    ? [rule.count, 'count']
    : [rule.minCalls, 'minCalls']
}

/** Shows the calls that a rule counts: `10 s`, `100 calls`. */
export function showSpan({ window, lastCalls }: WindowRuleDescription): string {
  return window === undefined ? `${lastCalls} calls` : showDuration(window)
}

/**
 * Says what a rule waits for that more failures alone do not bring: calls in its window, or anything but failures.
 * Returns `undefined` if nothing is missing, or only successes must leave the window; `''` for a rule that never trips.
 *
 * @param windows the windows of the rule, in the order in which it requests them
 */
export function waitsFor(rule: TripRuleDescription, windows: Iterator<Window>): string | undefined {
  if (rule.rule === 'never') return ''
  if (rule.rule === 'consecutiveFailures') return undefined
  if ('rules' in rule) {
    const all = rule.rules.map((each) => waitsFor(each, windows))
    const awaited = all.filter((each) => each !== undefined)
    const isStuck = rule.rule === 'anyOf' ? awaited.length === all.length : awaited.length > 0
    return isStuck ? awaited.filter(Boolean).join(', and ') : undefined
  }
  const window: Window = windows.next().value
  const [needed, option] = neededCalls(rule)
  if (window.calls < needed) {
    const { most } = window
    const held = most < needed ? `never held more than ${most}` : `now holds ${window.calls}`
    return `\`${nameOf(rule)}\` waits for \`${option}\` ${needed}, of which its window of ${showSpan(rule)} ${held}`
  }
  if (rule.rule === 'slowCallRate' && (window.slowCallRate ?? 0) < rule.threshold) {
    const { slow, failures, calls } = window
    if (slow > 0 && failures < calls) return undefined
    const limit = showDuration(rule.slowerThan)
    const failuresDo = slow > 0 ? 'too few of these failures do' : 'these failures do not'
    return `\`slowCallRate\` waits for calls that take longer than ${limit}, and ${failuresDo}`
  }
  if (rule.rule === 'customRule' && !window.answer) return `\`${rule.name}\` does not answer \`true\``
  return undefined
}

/** Returns the name of a rule, as in trip reasons. */
export function nameOf(rule: WindowRuleDescription): string {
  return rule.rule === 'customRule' ? rule.name : rule.rule
}
