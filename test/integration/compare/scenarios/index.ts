import type { Scenario } from '../scenario.ts'
import { cost } from './cost.ts'
import { halfOpen } from './half-open.ts'
import { lateResults } from './late-results.ts'
import { listeners } from './listeners.ts'
import { outcomes } from './outcomes.ts'
import { rates } from './rates.ts'
import { time } from './time.ts'

/** The scenarios by topic, in the order of the table. */
export const topics: Readonly<Record<string, readonly Scenario[]>> = {
  'Late results': lateResults,
  'Half-open': halfOpen,
  Rates: rates,
  Outcomes: outcomes,
  Listeners: listeners,
  Time: time,
  Cost: cost,
}

export const scenarios: readonly Scenario[] = Object.values(topics).flat()
