import { isStorageDeadlineError } from '../../storage/contract/errors.ts'
import type { StorageCommand } from '../../storage/contract/commands.ts'
import { MOST } from '../../storage/contract/limits.ts'
import type { StorageHint } from '../../storage/contract/operations.ts'
import { acquire, manualChange, exchange, sender, trip } from './commands.ts'
import { expectSame, expectToHave, rejection } from './expect.ts'
import { send } from './send.ts'
import { NAME, stagedCase, type Stage, type StorageCase, type StorageTarget } from './target.ts'

const POLICY = { calls: 1, successes: 2, concurrent: 1 }
const MALFORMED: readonly (readonly [what: string, command: unknown])[] = [
  ['sender.reporter', exchange(sender('two words'))],
  ['sender.epoch', exchange(sender('host', { epoch: -1 }))],
  ['tail', exchange(sender('host'), { failures: 1, tail: 2 })],
  ['rings', exchange(sender('host'), { rings: [{}, {}, {}, {}, {}] as never })],
  ['ring.window', exchange(sender('host'), { rings: [{}] as never })],
  ['lease', acquire(sender('host'), 'nonce', { lease: 0.5 })],
  ['policy.successes', acquire(sender('host'), 'nonce', { policy: POLICY })],
  ['ifEpoch', { ...trip(sender('host'), 0), to: 'closed' }],
  ['reason', { ...trip(sender('host'), 0), reason: 'é'.repeat(129) }],
  ['sender.manual', exchange(sender('host', { manual: { epoch: 1, nonce: 'two words', actor: '' } }))],
  ['ifManual', manualChange(sender('host'), 'host-1', { to: 'closed', ifManual: -1 })],
  ['actor', manualChange(sender('host'), 'host-1', { to: 'closed', actor: 'é'.repeat(33) })],
  ['sender.manual', exchange(sender('host', { manual: { epoch: -1, nonce: '', actor: '' } }))],
  ['sender.manual', exchange(sender('host', { manual: { epoch: 1, nonce: '', actor: 'é'.repeat(33) } }))],
  ['sender.reason', exchange(sender('host', { reason: 'é'.repeat(129) }))],
  ['sender.ramped', exchange(sender('host', { ramped: -1 }))],
  ['sender.ramped', exchange(sender('host', { ramped: 0.5 }))],
  ['sender.ramp', exchange(sender('host', { ramp: 0.5 }))],
  ['sender.ramp', exchange(sender('host', { ramp: MOST + 1 }))],
  ['nonce', manualChange(sender('host'), 'host 1', { to: 'closed' })],
  ['nonce', manualChange(sender('host'), 'h'.repeat(33), { to: 'closed' })],
  ['reason', manualChange(sender('host'), 'host-1', { to: 'isolated', reason: 'é'.repeat(129) })],
  ['ifManual', manualChange(sender('host'), 'host-1', { to: 'closed', ifManual: 0.5 })],
  ['ifManual', manualChange(sender('host'), 'host-1', { to: 'closed', ifManual: MOST + 1 })],
  ['openFor', manualChange(sender('host'), 'host-1', { to: 'open', openFor: -1 })],
  ['policy.successes', manualChange(sender('host'), 'host-1', { to: 'half-open', policy: POLICY })],
]

/** Resolves once a condition holds; rejects after two seconds. */
async function eventually(condition: () => boolean, where: string): Promise<void> {
  for (let i = 0; i < 400; i++) {
    if (condition()) return
    await new Promise((resolve) => setTimeout(resolve, 5))
  }
  throw new Error(`${where}: it did not happen within 2 s`)
}

/** Returns the cases with invalid commands, unusable records, missed deadlines, aborts and subscriptions. */
export function faultCases(target: StorageTarget): StorageCase[] {
  const staged = (name: string, play: (stage: Stage) => Promise<void>): StorageCase =>
    stagedCase(target, name, play)
  const { plant, hang } = target
  const cases = [
    staged(
      'a malformed command is answered with the field that is wrong, and changes nothing',
      async (stage) => {
        for (const [what, command] of MALFORMED) {
          const reply = await send(stage.storage, NAME, command as StorageCommand)
          expectSame(reply, { type: 'malformed', what }, what)
        }
        expectToHave(
          await stage.storage.exchange(NAME, exchange(sender('host'))),
          { record: { state: 'closed', epoch: 0 }, rings: [{ calls: 0 }] },
          'the record',
        )
      },
    ),
    staged('a signal that has aborted rejects with its reason, and nothing is sent', async ({ storage }) => {
      const reason = new Error('the caller is gone')
      const limits = { signal: AbortSignal.abort(reason) }
      const failure = await rejection(storage.change(NAME, trip(sender('host'), 0), limits), 'the change')
      if (failure !== reason) throw new Error(`expected the signal's own reason, got ${String(failure)}`)
      expectToHave(
        await storage.exchange(NAME, exchange(sender('host'))),
        { record: { state: 'closed', epoch: 0 } },
        'the record',
      )
    }),
    staged(
      'F23: subscribers of all connections are notified of transitions, except to half-open',
      async (stage) => {
        const { storage } = stage
        const hints: StorageHint[] = []
        const other = await stage.connect()
        const unsubscribe = await other.subscribe((hint) => void (hint === 'resync' || hints.push(hint)))
        const operator = sender('operator')
        const opened = await storage.change(
          NAME,
          manualChange(operator, 'operator-1', { to: 'open', openFor: 0 }),
        )
        const policy = { calls: 1, successes: 1, concurrent: 1 }
        await storage.change(NAME, manualChange(operator, 'operator-2', { to: 'half-open', policy }))
        const closed = await storage.change('another', manualChange(operator, 'operator-3', { to: 'closed' }))
        await eventually(() => hints.length >= 2, 'the hints')
        if (!('record' in opened) || !('record' in closed)) throw new Error('expected the changes to be made')
        const expected = [
          { name: other.recordName(NAME), epoch: opened.record.epoch },
          { name: other.recordName('another'), epoch: closed.record.epoch },
        ]
        expectSame(hints, expected, 'the hints')
        await unsubscribe()
        await storage.change(NAME, manualChange(operator, 'operator-4', { to: 'isolated' }))
        const laterHints: StorageHint[] = []
        await other.subscribe((hint) => void laterHints.push(hint))
        await storage.change(NAME, manualChange(operator, 'operator-5', { to: 'closed' }))
        await eventually(
          () => laterHints.some((hint) => hint !== 'resync'),
          'the hint to the second subscription',
        )
        expectSame(hints.length, 2, 'hints after the end')
      },
    ),
  ]
  if (plant) {
    for (const what of ['foreign', 'newer', 'corrupt'] as const) {
      cases.push(
        staged(`F16: what is ${what} is answered as unusable, and stays what it is`, async ({ storage }) => {
          await plant.call(target, NAME, what)
          const knows = sender('host', { state: 'isolated', epoch: 5 })
          for (const command of [
            exchange(knows, { failures: 1 }),
            manualChange(knows, 'host-1', { to: 'isolated' }),
          ]) {
            expectSame(await send(storage, NAME, command), { type: 'unusable', why: what }, command.type)
          }
          expectToHave(
            await storage.exchange('another', exchange(sender('host'))),
            { type: 'exchanged' },
            'another breaker',
          )
        }),
      )
    }
  }
  if (hang) {
    cases.push(
      staged(
        'an operation that is not answered rejects at its deadline, or when its signal aborts',
        async (stage) => {
          const { storage } = stage
          const resume = await hang.call(target)
          try {
            const command = exchange(sender('host'))
            const late = await rejection(storage.exchange(NAME, command, { deadline: 30 }), 'the deadline')
            if (!isStorageDeadlineError(late))
              throw new Error(`expected a deadline error, got ${String(late)}`)
            expectToHave(late, { operation: 'exchange', deadline: 30 }, 'the deadline error')
            const caller = new AbortController()
            const reason = new Error('the caller is gone')
            setTimeout(() => caller.abort(reason), 10)
            const aborted = await rejection(
              storage.acquire(NAME, acquire(sender('host'), 'nonce'), { signal: caller.signal }),
              'the abort',
            )
            if (aborted !== reason)
              throw new Error(`expected the signal's own reason, got ${String(aborted)}`)
          } finally {
            await resume()
          }
          const reply = await storage.exchange(NAME, exchange(sender('host')), { deadline: 5_000 })
          expectToHave(reply, { type: 'exchanged' }, 'the store when it answers again')
        },
      ),
    )
  }
  return cases
}
