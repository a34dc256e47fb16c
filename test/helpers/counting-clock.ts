import { ManualClock } from '../../src/testing/index.ts'

/** A manual clock that counts how often it is read. */
export class CountingClock extends ManualClock {
  readings = 0

  override now(): number {
    this.readings++
    return super.now()
  }

  /** The number of readings while `act` runs. */
  during(act: () => unknown): number {
    const before = this.readings
    act()
    return this.readings - before
  }
}
