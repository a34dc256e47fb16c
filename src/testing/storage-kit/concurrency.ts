import type { StorageCommand } from '../../storage/contract/commands.ts'
import type { StorageReply } from '../../storage/contract/replies.ts'
import type { CircuitBreakerStorage } from '../../storage/storage.ts'
import { acquire, manualChange, exchange, sender, settle, trip } from './commands.ts'
import { expectSame, expectToHave } from './expect.ts'
import { send } from './send.ts'
import { NAME, stagedCase, type Stage, type StorageCase, type StorageTarget } from './target.ts'

const CONNECTIONS = 4
const RACERS = 60

/** Sends many commands at once, over several connections. */
async function race(stage: Stage, command: (racer: number) => StorageCommand): Promise<StorageReply[]> {
  const connections: CircuitBreakerStorage[] = []
  for (let i = 0; i < CONNECTIONS; i++) connections.push(await stage.connect())
  return Promise.all(
    Array.from({ length: RACERS }, (_, i) => send(connections[i % CONNECTIONS]!, NAME, command(i))),
  )
}

const ofType = <Type extends StorageReply['type']>(
  replies: readonly StorageReply[],
  type: Type,
): Extract<StorageReply, { type: Type }>[] =>
  replies.filter((reply): reply is Extract<StorageReply, { type: Type }> => reply.type === type)

/** Opens the record manually, with probes due at once, and returns what senders know of that opening. */
async function openDue({ storage }: Stage): Promise<{ readonly state: 'open'; readonly epoch: number }> {
  const reply = await storage.change(
    NAME,
    manualChange(sender('operator'), 'open', { to: 'open', openFor: 0 }),
  )
  if (reply.type !== 'changed') throw new Error(`expected the record to open, got ${JSON.stringify(reply)}`)
  return { state: 'open', epoch: reply.record.epoch }
}

/** Returns the cases in which many clients send commands concurrently. */
export function concurrencyCases(target: StorageTarget): StorageCase[] {
  const staged = (name: string, play: (stage: Stage) => Promise<void>): StorageCase =>
    stagedCase(target, name, play)
  return [
    staged(`I2: of ${RACERS} that race for a probe, as many get one as may run at once`, async (stage) => {
      const known = await openDue(stage)
      const policy = { calls: 5, successes: 2, concurrent: 3 }
      const replies = await race(stage, (i) => acquire(sender(`host-${i}`, known), `nonce-${i}`, { policy }))
      const granted = ofType(replies, 'granted')
      expectSame(granted.length, policy.concurrent, 'granted')
      expectSame(new Set(granted.map(({ record }) => record.epoch)).size, 1, 'half-open periods')
      expectSame(ofType(replies, 'denied').length, RACERS - policy.concurrent, 'denied')
    }),
    staged('F18: of many that settle one lease, one does', async (stage) => {
      const known = await openDue(stage)
      const granted = await stage.storage.acquire(NAME, acquire(sender('host', known), 'nonce'))
      if (granted.type !== 'granted') throw new Error(`expected a lease, got ${JSON.stringify(granted)}`)
      const replies = await race(stage, (i) =>
        settle(sender('host'), 'nonce', granted.record.epoch, i % 2 ? 'success' : 'failure'),
      )
      expectSame(ofType(replies, 'settled').length, 1, 'settled')
      expectSame(ofType(replies, 'late').length, RACERS - 1, 'late')
    }),
    staged('F18: of many that repeat one acquire, all get the same lease', async (stage) => {
      const known = await openDue(stage)
      const policy = { calls: 5, successes: 5, concurrent: 5 }
      const replies = await race(stage, () => acquire(sender('host', known), 'nonce', { policy }))
      expectSame(ofType(replies, 'granted').length, RACERS, 'granted')
      expectToHave(
        await stage.storage.acquire(NAME, acquire(sender('host', known), 'another')),
        { type: 'granted' },
        'a second lease',
      )
    }),
    staged('F2: of many that open the same closed period, one does', async (stage) => {
      const replies = await race(stage, (i) => trip(sender(`host-${i}`), 0, 60_000 + i))
      const [changed, ...others] = ofType(replies, 'changed')
      expectSame(others.length, 0, 'further openings')
      expectSame(ofType(replies, 'refused').length, RACERS - 1, 'refused')
      expectToHave(
        await stage.storage.exchange(NAME, exchange(sender('reader'))),
        { record: { state: 'open', epoch: changed?.record.epoch, by: changed?.record.by, attempt: 1 } },
        'the opening that stands',
      )
    }),
    staged('F2: counts that come at once are all counted', async (stage) => {
      await race(stage, (i) => exchange(sender(`host-${i % 5}`), { successes: 2, failures: 1, tail: 1 }))
      expectToHave(
        await stage.storage.exchange(NAME, exchange(sender('reader'))),
        { rings: [{ calls: 3 * RACERS, failures: RACERS, failureReporters: 5 }], run: { failures: 1 } },
        'the pool',
      )
    }),
  ]
}
