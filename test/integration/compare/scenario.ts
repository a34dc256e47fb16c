import type { World } from './world.ts'

/**
 * A situation that a breaker meets in production, and the correct behavior. Written once, run against every library.
 */
export interface Scenario {
  readonly id: string
  /** The behavior that a user expects, as a sentence. */
  readonly title: string
  /** The rules in docs/rules.md that it shows. */
  readonly rules: string
  run(world: World): Promise<Finding>
}

export interface Finding {
  readonly right: boolean
  /** The observed behavior, in a few words. */
  readonly seen: string
}

export function finding(right: boolean, seen: { readonly right: string; readonly wrong: string }): Finding {
  return { right, seen: right ? seen.right : seen.wrong }
}
