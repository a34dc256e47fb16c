/** Evaluates rules on a list of results, by going through the whole list each time. */
import type { Rule, Span } from './settings.ts'

/** A settled call that was neither ignored nor late. */
export interface Result {
  readonly at: number
  readonly failed: boolean
  readonly slow: boolean
}

export interface Counts {
  readonly calls: number
  readonly successes: number
  readonly failures: number
  readonly slow: number
}

export function recount(results: readonly Result[]): Counts {
  const failures = results.filter(({ failed }) => failed).length
  const slow = results.filter((result) => result.slow).length
  return { calls: results.length, successes: results.length - failures, failures, slow }
}

/** The number of failures after the last success. */
export function runOf(results: readonly Result[]): number {
  const lastSuccess = results.map(({ failed }) => failed).lastIndexOf(false)
  return results.length - 1 - lastSuccess
}

export function inSpan(results: readonly Result[], span: Span, now: number): readonly Result[] {
  if ('lastCalls' in span) return results.slice(-span.lastCalls)
  const bucketOf = (at: number): number => Math.floor(at / (span.window / span.buckets))
  return results.filter(({ at }) => bucketOf(at) > bucketOf(now) - span.buckets)
}

export const ratio = (part: number, { calls }: Counts, minCalls: number): number | null =>
  calls < minCalls ? null : part / calls

type Windowed = Extract<Rule, { span: Span }>

/** Everything that the window of a rule has ever recorded. */
export interface Tape {
  readonly rule: Windowed
  readonly results: readonly Result[]
}

export const inWindow = ({ rule, results }: Tape, now: number): Counts =>
  recount(inSpan(results, rule.span, now))

/** Returns the tapes of a rule, in the order of its windows; each continues an old one of the same span, if any. */
export function tapesOf(rule: Rule, old: readonly Tape[] = []): readonly Tape[] {
  const unused = [...old]
  return windowsOf(rule).map((window) => {
    const same = unused.findIndex((tape) => JSON.stringify(tape.rule.span) === JSON.stringify(window.span))
    const [kept] = same < 0 ? [] : unused.splice(same, 1)
    return { rule: window, results: kept?.results ?? [] }
  })
}

/** What rules evaluate: the run of failures, which only a success ends, and what each window has recorded. */
export interface Evidence {
  readonly run: number
  readonly tapes: readonly Tape[]
  readonly now: number
}

/** Returns the reason for which the rule trips, or `undefined` if it does not. */
export function verdict(rule: Rule, evidence: Evidence): string | undefined {
  switch (rule.rule) {
    case 'never':
      return undefined
    case 'consecutiveFailures':
      return evidence.run >= rule.count ? rule.rule : undefined
    case 'anyOf':
      return rule.of.map((each) => verdict(each, evidence)).find((reason) => reason !== undefined)
    case 'allOf': {
      const reasons = rule.of.map((each) => verdict(each, evidence))
      return reasons.includes(undefined) ? undefined : reasons.join('+')
    }
    case 'failureRate':
    case 'failureCount':
    case 'slowCallRate': {
      const tape = evidence.tapes.find((each) => each.rule === rule)
      if (tape === undefined) throw new Error('a rule without its window')
      const { calls, failures, slow } = inWindow(tape, evidence.now)
      if (calls < rule.minCalls) return undefined
      const met =
        rule.rule === 'failureCount'
          ? failures >= rule.count
          : (rule.rule === 'failureRate' ? failures : slow) / calls >= rule.threshold
      return met ? rule.rule : undefined
    }
    default:
      return rule satisfies never
  }
}

function windowsOf(rule: Rule): readonly Windowed[] {
  if ('of' in rule) return rule.of.flatMap(windowsOf)
  return 'span' in rule ? [rule] : []
}

/** Returns the duration beyond which a call is slow for the window, or for the strictest one; `undefined`: none is. */
export function slownessOf(rule: Rule, window?: Windowed): number | undefined {
  if (window?.rule === 'slowCallRate') return window.slowerThan
  const limits = windowsOf(rule).flatMap((each) => (each.rule === 'slowCallRate' ? [each.slowerThan] : []))
  return limits.length === 0 ? undefined : Math.min(...limits)
}
