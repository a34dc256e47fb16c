import { ManualClock } from '../../src/testing/index.ts'

/** A manual clock that knows how often it was read. */
export class CountingClock extends ManualClock {
  readings = 0

  override now(): number {
    this.readings++
    return super.now()
  }

  /** How often `act` reads it. */
  during(act: () => unknown): number {
    const before = this.readings
    act()
    return this.readings - before
  }
}
