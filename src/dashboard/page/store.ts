import { healthOf, worst } from '../../monitor/health.ts'
import type { BreakerReport, Health, Transition } from '../../monitor/report.ts'
import type { SnapshotEvent, UpdateEvent } from '../protocol.ts'
import { Breaker } from './breaker.ts'
import { Topic } from './topic.ts'

/** The maximum number of transitions in the log. */
const LOG_LENGTH = 100

/** The number of updates between two sorts of the tiles by their figures. A change of state sorts them immediately. */
const SETTLE = 5

/** The data of the page, with topics to subscribe to. */
export class Store {
  readonly breakers: Map<string, Breaker> = new Map()
  /** Latest first. */
  transitions: readonly Transition[] = []
  /** Whether the user may control the breakers. */
  control = false
  /** Whether a snapshot has arrived. */
  known = false
  /** The number of the current second. */
  second = 0
  /** Published when a breaker is added or removed, a state changes, or the tiles are due to be sorted. */
  readonly listed: Topic = new Topic()
  readonly logged: Topic = new Topic()
  /** Published every second, when the plots advance. */
  readonly ticked: Topic = new Topic()
  /** Called for each new transition, but not for those in the snapshot. */
  onTransition: (transition: Transition) => void = () => {}
  #updates = 0

  /** The worst health of all breakers. Computed here, because transitions arrive before the server's next `health`. */
  get health(): Health {
    return worst(Array.from(this.breakers.values(), ({ state }) => healthOf(state)))
  }

  /** Applies the first event of a stream. It replaces all earlier data, which may be out of date. */
  snapshot({ snapshot, transitions, control }: SnapshotEvent): void {
    const { breakers, takenAt } = snapshot
    const ids = new Set(breakers.map(({ id }) => id))
    for (const id of this.breakers.keys()) if (!ids.has(id)) this.breakers.delete(id)
    this.control = control
    this.known = true
    for (const { timeline } of this.breakers.values()) timeline.clear()
    for (const report of breakers) this.#apply(report, takenAt)
    this.transitions = transitions.toReversed()
    this.listed.publish()
    this.logged.publish()
    this.ticked.publish()
  }

  update({ takenAt, seconds, removed, breakers }: UpdateEvent): void {
    let relist = removed.length > 0 || ++this.#updates % SETTLE === 0
    this.second += seconds
    for (const id of removed) this.breakers.delete(id)
    for (const report of breakers) if (this.#apply(report, takenAt)) relist = true
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

  /** Applies a report. Returns whether the breaker is new or its state has changed. */
  #apply(report: BreakerReport, takenAt: number): boolean {
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
