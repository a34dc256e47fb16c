/** What a rule makes of a list of results, by going through all of it each time. */
import type { Rule, Span } from './settings.ts'

/** A call that has come back and was neither ignored nor late. */
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

/** How many results at the end are failures. */
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

/** What the rules look at: the run, which nothing but a success ends, and what each window has recorded. */
export interface Record {
  readonly all: readonly Result[]
  readonly windowed: readonly Result[]
  readonly now: number
}

/** The reason why the rule trips, or `undefined`. */
export function verdict(rule: Rule, record: Record): string | undefined {
  switch (rule.rule) {
    case 'never':
      return undefined
    case 'consecutiveFailures':
      return runOf(record.all) >= rule.count ? rule.rule : undefined
    case 'anyOf':
      return rule.of.map((each) => verdict(each, record)).find((reason) => reason !== undefined)
    case 'allOf': {
      const reasons = rule.of.map((each) => verdict(each, record))
      return reasons.includes(undefined) ? undefined : reasons.join('+')
    }
    case 'failureRate':
    case 'failureCount':
    case 'slowCallRate': {
      const counts = recount(inSpan(record.windowed, rule.span, record.now))
      if (counts.calls < rule.minCalls) return undefined
      const { calls, failures, slow } = counts
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

type Windowed = Extract<Rule, { span: Span }>

/** The rules that have a window, in the order in which they are listed. */
export function windowsOf(rule: Rule): readonly Windowed[] {
  if ('of' in rule) return rule.of.flatMap(windowsOf)
  return 'span' in rule ? [rule] : []
}

/** The length from which on calls are slow, if a rule asks for it. */
export function slownessOf(rule: Rule): number | undefined {
  const lengths = windowsOf(rule).flatMap((each) => (each.rule === 'slowCallRate' ? [each.slowerThan] : []))
  return lengths.length === 0 ? undefined : Math.min(...lengths)
}
