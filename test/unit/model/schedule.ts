/** Random schedules of commands to a breaker. */
import * as fc from 'fast-check'
import { OUTCOMES } from '../conformance/format.ts'
import type { CaseOutcome } from '../conformance/format.ts'
import { anyRule, halfOpen, most, openTimes, probeTimeout } from './settings.ts'
import type { Rule, Settings } from './settings.ts'

export type Command =
  | { readonly do: 'start' | 'halfOpen' | 'close' | 'isolate' | 'read' }
  /** `which` is taken modulo the number of started calls, including those that are already settled. */
  | { readonly do: 'finish'; readonly which: number; readonly outcome: CaseOutcome | 'release' }
  | { readonly do: 'call'; readonly outcome: CaseOutcome; readonly took: number }
  | { readonly do: 'wait'; readonly ms: number }
  | { readonly do: 'open'; readonly for?: number }
  | { readonly do: 'configure'; readonly patch: Patch }
  | { readonly do: 'mode'; readonly mode: Mode }

export type Mode = 'enforce' | 'observe' | 'off'

/** A change of settings: of those that apply to a period, of the rule, or of the rule's thresholds by a factor. */
export type Patch =
  | Partial<Pick<Settings, 'openTimes' | 'halfOpen' | 'probeTimeout'>>
  | { readonly trip: Rule }
  | { readonly scale: number }

const outcome = fc.oneof(
  { weight: 3, arbitrary: fc.constantFrom<CaseOutcome>('ok', 'fail') },
  { weight: 1, arbitrary: fc.constantFrom<CaseOutcome>(...OUTCOMES) },
)

const which = fc.nat(30)
const took = fc.oneof(fc.constant(0), fc.nat(15))

export const start: fc.Arbitrary<Command> = fc.constant({ do: 'start' })
export const call: fc.Arbitrary<Command> = fc.record({ do: fc.constant('call'), outcome, took })
export const finish: fc.Arbitrary<Command> = fc.record({
  do: fc.constant('finish'),
  which,
  outcome: fc.oneof(
    { weight: 9, arbitrary: outcome },
    { weight: 1, arbitrary: fc.constant('release' as const) },
  ),
})

export const wait: fc.Arbitrary<Command> = fc.record({
  do: fc.constant('wait'),
  ms: fc.oneof(
    fc.nat(10),
    fc.nat(60),
    fc.nat(40).map((n) => n / 4),
  ),
})
export const waitOrStepBack: fc.Arbitrary<Command> = fc.oneof(
  { weight: 3, arbitrary: wait },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('wait'), ms: fc.integer({ min: -200, max: -1 }) }) },
)
export const read: fc.Arbitrary<Command> = fc.constant({ do: 'read' })

export const manual: fc.Arbitrary<Command> = fc.oneof(
  fc.record({ do: fc.constant('open') }, {}),
  fc.record({ do: fc.constant('open'), for: fc.nat(40) }),
  fc.constantFrom<Command>({ do: 'halfOpen' }, { do: 'close' }, { do: 'isolate' }),
)

export const configure: fc.Arbitrary<Command> = fc
  .oneof(
    fc.record({ openTimes, halfOpen, probeTimeout }, { requiredKeys: [] }),
    anyRule.map((trip): Patch => ({ trip })),
    fc.constantFrom(0.5, 0.9, 1.1, 2).map((scale): Patch => ({ scale })),
  )
  .map((patch) => ({ do: 'configure', patch }))

/** Only calls and time: what a breaker gets without an operator. */
export const traffic: fc.Arbitrary<Command> = fc.oneof(
  { weight: 4, arbitrary: start },
  { weight: 5, arbitrary: finish },
  { weight: 5, arbitrary: call },
  { weight: 4, arbitrary: wait },
)

/** Traffic with reads and manual control. */
export const operated: fc.Arbitrary<Command> = fc.oneof(
  { weight: 12, arbitrary: traffic },
  { weight: 1, arbitrary: read },
  { weight: 2, arbitrary: manual },
)

/** Everything but changes of mode and a clock that steps back. */
export const steady: fc.Arbitrary<Command> = fc.oneof(
  { weight: 15, arbitrary: operated },
  { weight: 1, arbitrary: configure },
)

/** Everything but changes of mode and of options. */
export const unconfigured: fc.Arbitrary<Command> = fc.oneof(
  { weight: 15, arbitrary: operated },
  { weight: 2, arbitrary: waitOrStepBack },
)

/** Everything but changes of mode. */
export const enforced: fc.Arbitrary<Command> = fc.oneof(
  { weight: 15, arbitrary: steady },
  { weight: 2, arbitrary: waitOrStepBack },
)

export const mode: fc.Arbitrary<Command> = fc.record({
  do: fc.constant('mode'),
  mode: fc.constantFrom('enforce', 'enforce', 'observe', 'off'),
})

export const anything: fc.Arbitrary<Command> = fc.oneof(
  { weight: 40, arbitrary: enforced },
  { weight: 1, arbitrary: mode },
)

/** Commands for a breaker in mode observe or off, which never switch to enforce. */
export const lax: fc.Arbitrary<Command> = fc.oneof(
  { weight: 12, arbitrary: operated },
  {
    weight: 1,
    arbitrary: fc.record({ do: fc.constant('mode'), mode: fc.constantFrom('observe', 'observe', 'off') }),
  },
)

export const scheduleOf = (command: fc.Arbitrary<Command>): fc.Arbitrary<readonly Command[]> =>
  fc.array(command, { maxLength: 60, size: 'max' })

/** Returns the settings after a patch. */
export function patched(settings: Settings, patch: Patch): Settings {
  return 'scale' in patch
    ? { ...settings, trip: scaled(settings.trip, patch.scale) }
    : { ...settings, ...patch }
}

/** Returns the rule with the same windows and scaled thresholds. */
function scaled(rule: Rule, by: number): Rule {
  switch (rule.rule) {
    case 'never':
      return rule
    case 'anyOf':
    case 'allOf':
      return { ...rule, of: rule.of.map((each) => scaled(each, by)) }
    case 'consecutiveFailures':
      return { ...rule, count: Math.ceil(rule.count * by) }
    case 'failureCount':
      return { ...rule, count: Math.min(Math.ceil(rule.count * by), most(rule.span)) }
    case 'failureRate':
    case 'slowCallRate':
      return { ...rule, threshold: Math.min(1, rule.threshold * by) }
    default:
      return rule satisfies never
  }
}
