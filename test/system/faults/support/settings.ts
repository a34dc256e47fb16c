import { networkFaults, serverFaults } from './faults.ts'
import { SingleStage } from './single-stage.ts'
import type { Fault } from './stage.ts'
import { setting, type Setting } from './stories.ts'

type Single = readonly Fault<SingleStage>[]

// With a failure rate, each exchange writes its counts. With consecutive failures, a healthy fleet only reads, and so
// does not notice that its store accepts no writes.
const RATE = { failureRateOver: 2_000, breaker: { timeoutDuration: 1_000 } }

/** A server of its own, which the processes reach directly. */
export const onServer = (faults: Single = Object.values(serverFaults)): Setting =>
  setting('server', () => SingleStage.start('direct'), faults, RATE)

/** Two servers: one for the faults after which a record is tried again only after a while, and one for all others. */
export const onServers = (): Setting[] => {
  const faults: Single = Object.values(serverFaults)
  return [
    onServer(faults.filter(({ readable }) => !readable)),
    onServer(faults.filter(({ readable }) => readable)),
  ]
}

/** A server behind a faulty network. */
export const onNetwork = (faults: Single = Object.values(networkFaults)): Setting =>
  setting('network', () => SingleStage.start('network'), faults)
