import type { StorageCommand } from '../../storage/contract/commands.ts'
import type { StorageReply } from '../../storage/contract/replies.ts'
import type { CircuitBreakerStorage } from '../../storage/storage.ts'
import { acquire, manualChange, exchange, sender, settle, trip } from './commands.ts'
import { expectSame, expectToHave } from './expect.ts'
import { send } from './send.ts'
import { NAME, stagedCase, type Stage, type StorageCase, type StorageTarget } from './target.ts'

const CONNECTIONS = 4
const RACERS = 60
const CHANGES = 12

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

interface Made {
  readonly to: 'isolated' | 'closed'
  readonly epoch: number
  readonly process: string
  readonly number: number
  readonly ifManual: number
}

/**
 * Makes manual changes from several processes at once, each of which is sent twice. Half of them are given without a look
 * at the record. Checks each reply, and returns the changes that were made, by epoch.
 */
async function giveManualChanges(stage: Stage): Promise<Made[]> {
  const made: Made[] = []
  const give = async (process: string, storage: CircuitBreakerStorage): Promise<void> => {
    let ifManual = 0
    for (let number = 1; number <= CHANGES; number++) {
      const read = await storage.exchange(NAME, exchange(sender(process)))
      if (number % 2 === 0 && 'record' in read) ifManual = read.record.manual.epoch
      const nonce = `${process}-${number}`
      const to = number % 3 === 0 ? 'closed' : 'isolated'
      const command = manualChange(sender(process), nonce, { to, ifManual })
      const replies = await Promise.all([storage.change(NAME, command), storage.change(NAME, command)])
      const [changed, ...others] = ofType(replies, 'changed')
      expectSame(others.length, 0, `further changes with the nonce ${nonce}`)
      if (changed) {
        const { epoch } = changed.record
        made.push({ to, epoch, process, number, ifManual })
        expectToHave(changed.record, { state: to, manual: { epoch, nonce } }, `the reply to ${nonce}`)
      }
      for (const { why, record } of ofType(replies, 'refused')) {
        const { manual } = record
        if (why === 'repeated') expectSame(manual.nonce, nonce, 'the change that was made before')
        else if (manual.nonce.startsWith(`${process}-`) || manual.epoch <= ifManual)
          throw new Error(`${nonce} was refused as ${why} by ${JSON.stringify(manual)}`)
      }
    }
  }
  const connections: Promise<void>[] = []
  for (let i = 0; i < CONNECTIONS; i++) connections.push(give(`process${i}`, await stage.connect()))
  await Promise.all(connections)
  return made.toSorted((a, b) => a.epoch - b.epoch)
}

/** Returns the cases in which many clients send commands concurrently. */
export function concurrencyCases(target: StorageTarget): StorageCase[] {
  const staged = (name: string, play: (stage: Stage) => Promise<void>): StorageCase =>
    stagedCase(target, name, play)
  return [
    staged('F9b: of manual changes at once, none undoes one that its giver did not know', async (stage) => {
      const made = await giveManualChanges(stage)
      for (const [index, { epoch, process, number, ifManual }] of made.entries()) {
        const last = made[index - 1]
        if (!last) continue
        if (epoch === last.epoch) throw new Error(`two changes have the epoch ${epoch}`)
        const isAllowed = process === last.process ? number > last.number : ifManual >= last.epoch
        if (!isAllowed) throw new Error(`change ${number} of ${process} undid one that it did not know`)
      }
      expectToHave(
        await stage.storage.exchange(NAME, exchange(sender('reader'))),
        { record: { state: made.at(-1)?.to, manual: { epoch: made.at(-1)?.epoch } } },
        'the change that stands',
      )
    }),
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
