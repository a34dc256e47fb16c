import { healthOf, worst } from '../../monitor/health.ts'
import type { BreakerReport, Health, Transition } from '../../monitor/report.ts'
import type { SnapshotEvent, UpdateEvent } from '../protocol.ts'
import { Breaker } from './breaker.ts'
import { Topic } from './topic.ts'

/** How many transitions the log keeps. */
const LOG_LENGTH = 100

/** After how many updates the order of the tiles follows the figures; states move them at once. */
const SETTLE = 5

/** Everything the page knows, and who wants to hear of it. */
export class Store {
  readonly breakers: Map<string, Breaker> = new Map()
  /** The latest first. */
  transitions: readonly Transition[] = []
  /** Whether the reader may control the breakers. */
  control = false
  /** Whether there was a snapshot yet. */
  known = false
  /** The number of the second that is not over. */
  second = 0
  /** Another breaker, another state, or time to look at the order again. */
  readonly listed: Topic = new Topic()
  readonly logged: Topic = new Topic()
  /** A second has passed: the plots move on. */
  readonly ticked: Topic = new Topic()
  /** Tells each transition as it happens; none of those that were before the page. */
  onTransition: (transition: Transition) => void = () => {}
  #updates = 0

  /** The worst of all breakers'. Worked out here, because transitions come before the server says it. */
  get health(): Health {
    return worst(Array.from(this.breakers.values(), ({ state }) => healthOf(state)))
  }

  /** The first event of every stream: what was known before it may be out of date. */
  snapshot({ snapshot, transitions, control }: SnapshotEvent): void {
    const { breakers, takenAt } = snapshot
    const ids = new Set(breakers.map(({ id }) => id))
    for (const id of this.breakers.keys()) if (!ids.has(id)) this.breakers.delete(id)
    this.control = control
    this.known = true
    for (const { timeline } of this.breakers.values()) timeline.clear()
    for (const report of breakers) this.#take(report, takenAt)
    this.transitions = transitions.toReversed()
    this.listed.publish()
    this.logged.publish()
    this.ticked.publish()
  }

  update({ takenAt, seconds, removed, breakers }: UpdateEvent): void {
    let relist = removed.length > 0 || ++this.#updates % SETTLE === 0
    this.second += seconds
    for (const id of removed) this.breakers.delete(id)
    for (const report of breakers) if (this.#take(report, takenAt)) relist = true
    if (relist) this.listed.publish()
    this.ticked.publish()
  }

  transition(transition: Transition): void {
    this.transitions = [transition, ...this.transitions].slice(0, LOG_LENGTH)
    this.logged.publish()
    const breaker = this.breakers.get(transition.id)
    if (breaker) {
      breaker.apply(transition)
      breaker.moved.publish()
      breaker.changed.publish()
      this.listed.publish()
    }
    this.onTransition(transition)
  }

  /** Returns whether the breaker is new or in another state. */
  #take(report: BreakerReport, takenAt: number): boolean {
    let breaker = this.breakers.get(report.id)
    const isNew = breaker === undefined
    if (!breaker) this.breakers.set(report.id, (breaker = new Breaker(report, takenAt)))
    const moved = breaker.renew(report, takenAt)
    breaker.timeline.write(this.second, report.history)
    if (moved) breaker.moved.publish()
    breaker.changed.publish()
    return isNew || moved
  }
}
