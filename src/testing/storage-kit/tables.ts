import type { LastManualChange, StorageCommand } from '../../storage/contract/commands.ts'
import { acquire, manualChange, exchange, RING, sender, settle, trip } from './commands.ts'
import { expectToHave } from './expect.ts'
import { send } from './send.ts'
import { NAME, stagedCase, START, type StorageCase, type StorageTarget } from './target.ts'

/**
 * One step of a scenario: its time in milliseconds since `START`, the command to send (`'loss'`: the store loses all
 * data), and the properties that the reply must have.
 */
type Line = readonly [at: number, command: StorageCommand | 'loss', answer?: object]

const HOUR = 3_600_000
const DAY = 24 * HOUR

// Each scenario begins at START, so the epochs of its transitions are known.
const at = (ms: number): number => START + ms
const open = (ms: number): object => ({ state: 'open', epoch: at(ms) })
const knowsOpen = (host: string, ms: number): ReturnType<typeof sender> =>
  sender(host, { state: 'open', epoch: at(ms) })
const policy = (calls: number, successes: number, concurrent: number): { policy: never } => ({
  policy: { calls, successes, concurrent } as never,
})
const manual = (nonce: string, ms: number): LastManualChange => ({ epoch: at(ms), nonce, actor: 'operator' })
const isolatedBy = (nonce: string, ms: number): object => ({
  state: 'isolated',
  epoch: at(ms),
  manual: manual(nonce, ms),
})
const [a, b, c] = [sender('a'), sender('b'), sender('c')]

const tables: Readonly<Record<string, readonly Line[]>> = {
  'F2, F6: a batch is added, and the sums of all come back with the number of hosts that saw failures': [
    [
      0,
      exchange(a, { successes: 5 }),
      { counted: true, rings: [{ calls: 5, failures: 0, failureReporters: 0 }] },
    ],
    [
      1,
      exchange(b, { successes: 1, failures: 2 }),
      { rings: [{ calls: 8, failures: 2, failureReporters: 1 }] },
    ],
    [2, exchange(b, { failures: 1 }), { rings: [{ calls: 9, failures: 3, failureReporters: 1 }] }],
    [
      3,
      exchange(c, { failures: 1, slow: 1 }),
      { rings: [{ failureReporters: 2, slow: 1, slowReporters: 1 }] },
    ],
    [4, exchange(a), { rings: [{ calls: 10, failures: 4, failureReporters: 2, slowReporters: 1 }] }],
  ],
  'F2: an opening is accepted only by a record that is closed at the epoch in which the rule was met': [
    [0, trip(a, 1), { type: 'refused', why: 'stale', record: { state: 'closed', epoch: 0 } }],
    [0, trip(a, 0), { type: 'changed', record: { ...open(0), remaining: 10_000, attempt: 1, by: 'a' } }],
    [
      5,
      trip(b, 0),
      { type: 'refused', record: { ...open(0), remaining: 9_995, reason: 'failureRate', age: 5 } },
    ],
    [5, trip(b, at(0)), { type: 'refused', why: 'stale' }],
  ],
  'F4: a run grows batch by batch; a success leaves the tail of its batch': [
    [0, exchange(a, { failures: 2 }), { run: { failures: 2, reporters: 1 } }],
    [0, exchange(b, { failures: 3 }), { run: { failures: 5, reporters: 2 } }],
    [0, exchange(c, { successes: 4, failures: 3, tail: 1 }), { run: { failures: 1, reporters: 1 } }],
    [0, exchange(a, { failures: 1 }), { run: { failures: 2, reporters: 2 } }],
    [0, exchange(a, { successes: 1 }), { run: { failures: 0, reporters: 0 } }],
  ],
  'F7: no opening is longer than a day': [
    [0, trip(a, 0, 2 * DAY), { record: { remaining: DAY } }],
    [DAY - 1, acquire(knowsOpen('a', 0), '1'), { type: 'denied', why: 'open', wait: 1 }],
    [DAY, acquire(knowsOpen('a', 0), '1'), { type: 'granted' }],
  ],
  'F9: a manual change is made in every state, under a new epoch, and once': [
    [
      0,
      manualChange(a, 'a-1', { to: 'open', openFor: 500 }),
      { record: { ...open(0), remaining: 500, attempt: 1 } },
    ],
    [
      0,
      manualChange(a, 'a-2', { to: 'open', openFor: 900 }),
      { record: { ...open(1), remaining: 900, attempt: 1 } },
    ],
    [
      0,
      manualChange(a, 'a-3', { to: 'isolated' }),
      { record: { state: 'isolated', epoch: at(2), remaining: null } },
    ],
    [7, acquire(knowsOpen('b', 2), '1'), { type: 'denied', why: 'isolated', wait: null }],
    [
      7,
      manualChange(a, 'a-4', { to: 'half-open', ...policy(2, 1, 1) }),
      { record: { state: 'half-open', epoch: at(7) } },
    ],
    [9, manualChange(a, 'a-5', { to: 'closed' }), { record: { state: 'closed', epoch: at(9), attempt: 0 } }],
    [
      9,
      manualChange(a, 'a-3', { to: 'isolated' }),
      { type: 'refused', why: 'repeated', record: { state: 'closed' } },
    ],
  ],
  'F9b: a manual change never undoes a newer one of another process': [
    [
      0,
      manualChange(a, 'a-1', { to: 'isolated', reason: 'maintenance', actor: 'cli:ann' }),
      { type: 'changed', record: { manual: { epoch: at(0), nonce: 'a-1', actor: 'cli:ann' } } },
    ],
    [
      5,
      manualChange(b, 'b-1', { to: 'closed' }),
      {
        type: 'refused',
        why: 'overtaken',
        record: { state: 'isolated', epoch: at(0), reason: 'maintenance', manual: { actor: 'cli:ann' } },
      },
    ],
    [
      6,
      manualChange(a, 'a-2', { to: 'open', openFor: 0 }),
      { type: 'changed', record: { state: 'open', manual: { epoch: at(6), nonce: 'a-2' } } },
    ],
    [7, manualChange(b, 'b-1', { to: 'closed', ifManual: at(0) }), { type: 'refused', why: 'overtaken' }],
    [7, manualChange(b, 'b-2', { to: 'closed', ifManual: at(6) }), { type: 'changed' }],
    [8, manualChange(a, 'a-2', { to: 'open', openFor: 0 }), { type: 'refused', why: 'overtaken' }],
    [9, trip(a, at(7)), { type: 'changed', record: { ...open(9), manual: { epoch: at(7), nonce: 'b-2' } } }],
  ],
  'F9b: who knows the last manual change heals it too': [
    [0, manualChange(a, 'a-1', { to: 'isolated' }), { type: 'changed' }],
    [1, 'loss'],
    [
      2,
      exchange(
        sender('c', {
          state: 'isolated',
          epoch: at(0),
          manual: { epoch: at(0), nonce: 'a-1', actor: 'operator' },
        }),
      ),
      { record: { state: 'isolated', manual: { epoch: at(0), nonce: 'a-1', actor: 'operator' } } },
    ],
    [3, manualChange(b, 'b-1', { to: 'closed' }), { type: 'refused', why: 'overtaken' }],
    [3, manualChange(a, 'a-1', { to: 'isolated' }), { type: 'refused', why: 'repeated' }],
  ],
  'F9b: who knows an older manual change does not undo a newer one with a newer state, and is reset': [
    [0, manualChange(a, 'a-1', { to: 'isolated' }), { type: 'changed' }],
    [
      0,
      exchange(sender('b', { state: 'open', epoch: at(5) })),
      { reset: true, record: isolatedBy('a-1', 0) },
    ],
    [0, exchange(sender('b', { epoch: at(5), manual: manual('b-1', -1) })), { reset: true }],
    [
      0,
      manualChange(sender('b', { epoch: at(5) }), 'b-1', { to: 'closed' }),
      { type: 'refused', why: 'overtaken', reset: true, record: isolatedBy('a-1', 0) },
    ],
    [
      0,
      exchange(sender('b', { epoch: at(5), manual: manual('a-1', 0) })),
      { reset: false, record: { state: 'closed', epoch: at(5), manual: { epoch: at(0), nonce: 'a-1' } } },
    ],
  ],
  'F9b: a record that was lost, and has changed since, still takes over a manual change': [
    [9, trip(b, 0), { record: { ...open(9), manual: { epoch: 0, nonce: '', actor: '' } } }],
    [
      9,
      exchange(sender('c', { state: 'isolated', epoch: at(5), manual: manual('a-1', 5) })),
      { reset: false, record: { ...open(9), manual: manual('a-1', 5) } },
    ],
    [9, manualChange(b, 'b-1', { to: 'closed' }), { type: 'refused', why: 'overtaken' }],
    [9, exchange(sender('c', { manual: manual('b-0', 4) })), { record: { manual: manual('a-1', 5) } }],
    [9, manualChange(a, 'a-2', { to: 'closed' }), { type: 'changed' }],
  ],
  'F9b, F15: a manual close is remembered for a day': [
    [0, trip(a, 0), { type: 'changed' }],
    [0, manualChange(b, 'b-1', { to: 'closed' }), { record: { state: 'closed', epoch: at(1) } }],
    [
      DAY - 1,
      exchange(knowsOpen('a', 0)),
      { record: { state: 'closed', epoch: at(1), manual: { epoch: at(1), nonce: 'b-1' } } },
    ],
    [DAY - 1, manualChange(a, 'a-1', { to: 'open', openFor: 0 }), { type: 'refused', why: 'overtaken' }],
  ],
  'F9b: of the changes of one process the newest stands, whatever it knew, and whoever counts to ten': [
    [0, manualChange(a, 'a-9', { to: 'isolated' }), { type: 'changed' }],
    [0, manualChange(a, 'a-10', { to: 'closed' }), { type: 'changed' }],
    [0, manualChange(a, 'a-9', { to: 'isolated' }), { type: 'refused', why: 'repeated' }],
    [0, manualChange(a, 'a-10', { to: 'closed' }), { type: 'refused', why: 'repeated' }],
    [0, manualChange(a, 'a-b-1', { to: 'isolated' }), { type: 'refused', why: 'overtaken' }],
    [0, manualChange(a, 'a', { to: 'isolated' }), { type: 'refused', why: 'repeated' }],
    [0, manualChange(c, 'c', { to: 'isolated' }), { type: 'refused', why: 'overtaken' }],
    [1, manualChange(c, 'c', { to: 'isolated', ifManual: at(1) }), { type: 'changed' }],
    [1, manualChange(c, 'c', { to: 'isolated', ifManual: at(1) }), { type: 'refused', why: 'repeated' }],
    [2, manualChange(c, 'c-1', { to: 'closed' }), { type: 'changed' }],
  ],
  'F9b: a repeat without a reason keeps the reason that stands, and anything else is `manual`': [
    [0, manualChange(a, 'a-1', { to: 'open', openFor: 500 }), { record: { reason: 'maintenance' } }],
    [
      1,
      manualChange(a, 'a-2', { to: 'open', openFor: 900, reason: '', actor: 'code' }),
      { record: { ...open(1), remaining: 900, reason: 'maintenance', manual: { actor: 'code' } } },
    ],
    [2, manualChange(a, 'a-3', { to: 'isolated', reason: '' }), { record: { reason: 'manual' } }],
    [3, manualChange(a, 'a-4', { to: 'isolated', reason: 'repairs' }), { record: { reason: 'repairs' } }],
    [4, manualChange(a, 'a-5', { to: 'isolated', reason: '' }), { record: { reason: 'repairs' } }],
  ],
  'F12: who knows the state heals a store that lost its data': [
    [0, trip(a, 0), { type: 'changed' }],
    [4_000, 'loss'],
    [
      4_000,
      exchange(
        sender('b', { state: 'open', epoch: at(0), remaining: 6_000, attempt: 3, reason: 'x', by: 'a' }),
      ),
      { reset: false, record: { ...open(0), remaining: 6_000, attempt: 3, reason: 'x', by: 'a' } },
    ],
    [5_000, exchange(a), { record: { ...open(0), remaining: 5_000 } }],
  ],
  'F12: a half-open period that was lost becomes an opening that is due, under a new epoch': [
    [
      9,
      exchange(sender('a', { state: 'half-open', epoch: at(0), attempt: 2 })),
      { record: { ...open(1), remaining: 0, attempt: 2 } },
    ],
    [9, settle(a, '1', at(0), 'success'), { type: 'late' }],
    [9, acquire(knowsOpen('a', 1), '2'), { type: 'granted', record: { epoch: at(9) } }],
  ],
  'F12: what has decided a half-open period is newer than the opening that a lost period becomes': [
    [0, trip(a, 0, 0), { type: 'changed' }],
    [0, acquire(knowsOpen('a', 0), '1'), { type: 'granted', record: { epoch: at(1) } }],
    [0, settle(a, '1', at(1), 'failure', 9_000), { record: { ...open(3), remaining: 9_000 } }],
    [4, 'loss'],
    [
      4,
      exchange(sender('b', { state: 'half-open', epoch: at(1) })),
      { record: { ...open(2), remaining: 0 } },
    ],
    [
      4,
      exchange(sender('a', { state: 'open', epoch: at(3), remaining: 8_996 })),
      { record: { ...open(3), remaining: 8_996 } },
    ],
  ],
  'F12: a state from too far ahead is refused with `reset`; on a tie the record stands': [
    [
      0,
      exchange(sender('a', { state: 'isolated', epoch: at(60_001) })),
      { reset: true, record: { epoch: 0 } },
    ],
    [
      0,
      exchange(sender('a', { state: 'isolated', epoch: at(60_000) })),
      { reset: false, record: { epoch: at(60_000) } },
    ],
    [1, exchange(sender('a', { state: 'closed', epoch: at(60_000) })), { record: { state: 'isolated' } }],
    [1, exchange(sender('a', { state: 'closed', epoch: at(60_001) })), { record: { state: 'closed' } }],
  ],
  'F13: a window is exact to a bucket, and a transition empties it': [
    [0, exchange(a, { successes: 1 }), { rings: [{ calls: 1 }] }],
    [5_500, exchange(a, { successes: 2 }), { rings: [{ calls: 3 }] }],
    [9_999, exchange(a), { rings: [{ calls: 3 }] }],
    [10_000, exchange(a), { rings: [{ calls: 2 }] }],
    [15_000, exchange(a), { rings: [{ calls: 0 }] }],
    [15_000, exchange(a, { failures: 2 }), { rings: [{ calls: 2 }] }],
    [15_000, manualChange(a, 'a-1', { to: 'closed' }), { type: 'changed' }],
    [15_000, exchange(a), { rings: [{ calls: 0 }], run: { failures: 0 } }],
  ],
  'F13: at most eight hosts of a bucket are remembered, and four windows of a record': [
    ...Array.from({ length: 10 }, (_, i): Line => [
      0,
      exchange(sender(`host-${i}`), { failures: 1 }),
      { rings: [{ calls: i + 1, failureReporters: Math.min(i + 1, 8) }] },
    ]),
    ...[20_000, 30_000, 40_000].map((window): Line => [
      0,
      exchange(a, { rings: [{ ...RING, window, calls: 1, failures: 0, slow: 0 }] }),
      { rings: [{ calls: 1 }] },
    ]),
    [
      0,
      exchange(a, { rings: [{ ...RING, buckets: 5, calls: 1, failures: 0, slow: 0 }] }),
      { rings: [{ calls: 0 }] },
    ],
    [
      10_000,
      exchange(a, { rings: [{ ...RING, buckets: 5, calls: 1, failures: 0, slow: 0 }] }),
      { rings: [{ calls: 1 }] },
    ],
  ],
  'F14: when the clock is set back, an opening lasts at most its length again, and no window starves or overflows':
    [
      [2 * HOUR, exchange(a, { successes: 3 }), { rings: [{ calls: 3 }] }],
      [HOUR, exchange(a, { successes: 1 }), { rings: [{ calls: 4 }] }],
      [HOUR + 10_000, exchange(a), { rings: [{ calls: 0 }] }],
      [2 * HOUR, trip(a, 0, 5_000), { record: open(2 * HOUR) }],
      [0, exchange(a), { record: { remaining: 5_000 } }],
      [4_999, acquire(knowsOpen('a', 2 * HOUR), '1'), { type: 'denied', wait: 1 }],
      [
        5_000,
        acquire(knowsOpen('a', 2 * HOUR), '1'),
        { type: 'granted', record: { epoch: at(2 * HOUR) + 1 } },
      ],
    ],
  'F14: when the clock is set back, a lease lasts at most its length again': [
    [HOUR, trip(a, 0, 0), { type: 'changed' }],
    [HOUR, acquire(knowsOpen('a', HOUR), '1', { lease: 5_000 }), { type: 'granted', lease: 5_000 }],
    [0, acquire(knowsOpen('b', HOUR), '2'), { type: 'denied', why: 'half-open', wait: 5_000 }],
    [5_000, exchange(a), { record: { state: 'open', reason: 'probeTimeout', attempt: 2 } }],
  ],
  'F15: a close by probes keeps the escalation for as long as it takes to decay': [
    [0, trip(a, 0, 0), { record: { attempt: 1 } }],
    [0, acquire(knowsOpen('a', 0), '1'), { type: 'granted' }],
    [
      0,
      settle(a, '1', at(1), 'failure', 0),
      { record: { state: 'open', attempt: 2, reason: 'probeFailed' } },
    ],
    [0, acquire(knowsOpen('b', 3), '2'), { type: 'granted' }],
    [
      0,
      settle(sender('b', { decay: 1_000 }), '2', at(4), 'success'),
      { record: { state: 'closed', attempt: 2 } },
    ],
    [999, exchange(a), { record: { attempt: 2 } }],
    [1_000, exchange(a), { record: { attempt: 1 } }],
    [1_500, trip(a, at(6)), { record: { attempt: 2 } }],
  ],
  'F15b: a report of calls creates a record, and neither a reading nor a report of another epoch does': [
    [0, exchange(a), { record: { state: 'closed', epoch: 0, age: 0 } }],
    [1, exchange(a, { epoch: 3, successes: 1 }), { counted: false, record: { age: 0 } }],
    [2, exchange(a, { successes: 1, rings: [] }), { counted: true, record: { age: 0 } }],
    [61_002, exchange(b, { successes: 1, rings: [] }), { record: { epoch: 0, age: 61_000 } }],
    [61_003, exchange(c, { rings: [] }), { record: { state: 'closed', epoch: 0, age: 61_001 } }],
  ],
  'F14b: a close by probes ramps, in the record and in every reply, and a healed record goes on with it': [
    [0, trip(a, 0, 0), { record: { ramped: null } }],
    [0, acquire(knowsOpen('a', 0), '1'), { type: 'granted', record: { ramped: null } }],
    [
      10,
      settle(sender('a', { ramp: 5_000 }), '1', at(1), 'success'),
      { record: { state: 'closed', ramped: 0 } },
    ],
    [1_010, exchange(b), { record: { ramped: 1_000 } }],
    [2_000, 'loss'],
    [
      3_000,
      exchange(sender('b', { epoch: at(10), ramped: 2_990, ramp: 5_000 })),
      { record: { epoch: at(10), ramped: 2_990 } },
    ],
    [5_009, exchange(a), { record: { ramped: 4_999 } }],
    [5_010, exchange(a), { record: { ramped: null } }],
  ],
  'F14b: a ramp is at most a day long, and ends with its state': [
    [0, trip(a, 0, 0), { type: 'changed' }],
    [0, acquire(knowsOpen('a', 0), '1'), { type: 'granted' }],
    [0, settle(sender('a', { ramp: 2 * DAY }), '1', at(1), 'success'), { record: { ramped: 0 } }],
    [DAY - 1, exchange(b), { record: { epoch: at(3), ramped: DAY - 1 } }],
    [DAY, exchange(b), { record: { ramped: null } }],
    [DAY, exchange(sender('a', { epoch: at(DAY), ramp: 5_000, ramped: 0 })), { record: { ramped: 0 } }],
    [DAY + 1, trip(b, at(DAY)), { record: { state: 'open', ramped: null } }],
    [
      DAY + 2,
      manualChange(sender('a', { ramp: 5_000 }), 'a-1', { to: 'closed' }),
      { record: { ramped: null } },
    ],
  ],
  'F14b: a healed record ramps for what is left of the ramp of who heals it, and only if it is closed': [
    [0, exchange(sender('a', { epoch: at(0), ramp: 5_000, ramped: 5_000 })), { record: { ramped: null } }],
    [0, exchange(sender('a', { epoch: at(1), ramp: 5_000, ramped: 4_999 })), { record: { ramped: 4_999 } }],
    [1, exchange(a), { record: { epoch: at(1), ramped: null } }],
    [1, exchange(sender('a', { epoch: at(2), ramp: 0, ramped: 10 })), { record: { ramped: null } }],
    [1, exchange(sender('a', { epoch: at(3), ramp: 5_000, ramped: 10 })), { record: { ramped: 10 } }],
    [
      1,
      exchange(sender('a', { state: 'open', epoch: at(4), ramp: 5_000, ramped: 10 })),
      { record: { state: 'open', ramped: null } },
    ],
    [2, exchange(sender('a', { epoch: at(5), ramp: 5_000 })), { record: { state: 'closed', ramped: null } }],
  ],
  'F14b: a close that is made by hand does not ramp, nor does a healed one that did not; a clock set back begins it again':
    [
      [0, exchange(sender('a', { epoch: at(0), ramp: 5_000 })), { record: { epoch: at(0), ramped: null } }],
      [0, manualChange(sender('a', { ramp: 5_000 }), 'a-1', { to: 'closed' }), { record: { ramped: null } }],
      [
        HOUR,
        exchange(sender('a', { epoch: at(HOUR), ramp: 5_000, ramped: 1_000, manual: manual('a-1', 1) })),
        { record: { ramped: 1_000 } },
      ],
      [0, exchange(a), { record: { ramped: 0 } }],
      [4_999, exchange(a), { record: { ramped: 4_999 } }],
      [5_000, exchange(a), { record: { ramped: null } }],
    ],
  'F17: the limits, the verdict as early as possible, and cancelled probes return their leases': [
    [0, trip(a, 0, 0), { type: 'changed' }],
    [0, acquire(knowsOpen('a', 0), '1', policy(3, 2, 2)), { type: 'granted', record: { remaining: 0 } }],
    [0, acquire(knowsOpen('b', 0), '2', policy(9, 9, 9)), { type: 'granted', record: { remaining: 5_000 } }],
    [0, acquire(knowsOpen('c', 0), '3'), { type: 'denied', why: 'half-open', wait: 5_000 }],
    [0, settle(a, '1', at(1), 'cancel'), { type: 'settled', record: { state: 'half-open' } }],
    [0, acquire(knowsOpen('c', 0), '3'), { type: 'granted' }],
    [0, settle(c, '3', at(1), 'failure'), { type: 'settled', record: { state: 'half-open' } }],
    [0, acquire(knowsOpen('a', 1), '4'), { type: 'granted' }],
    [0, settle(a, '4', at(1), 'success'), { type: 'settled', record: { state: 'half-open' } }],
    [0, acquire(knowsOpen('a', 1), '5'), { type: 'denied', why: 'half-open' }],
    [
      1,
      settle(b, '2', at(1), 'success'),
      { record: { state: 'closed', epoch: at(3), reason: 'probeSucceeded', by: 'b' } },
    ],
  ],
  'F17: an expired lease is a failed probe at its own deadline, however late that is noticed': [
    [0, trip(a, 0, 0), { type: 'changed' }],
    [0, acquire(knowsOpen('a', 0), '1', { lease: 1_000, reopenFor: 7_000 }), { type: 'granted' }],
    [3_000, settle(a, '1', at(1), 'success'), { type: 'late' }],
    [
      3_000,
      exchange(b),
      { record: { state: 'open', epoch: at(3_000), remaining: 5_000, age: 2_000, attempt: 2, by: 'a' } },
    ],
  ],
  'F18: a repeated acquire gets the live lease, and a lease is settled once': [
    [0, trip(a, 0, 0), { type: 'changed' }],
    [0, acquire(knowsOpen('a', 0), '1', policy(3, 2, 3)), { type: 'granted', lease: 5_000 }],
    [2_000, acquire(knowsOpen('a', 0), '1'), { type: 'granted', lease: 3_000 }],
    [2_000, settle(a, '2', at(1), 'failure'), { type: 'late' }],
    [2_000, settle(a, '1', at(0), 'failure'), { type: 'late' }],
    [2_000, settle(a, '1', at(1), 'success'), { type: 'settled' }],
    [2_000, settle(a, '1', at(1), 'success'), { type: 'late', record: { state: 'half-open' } }],
    [2_000, acquire(knowsOpen('a', 0), '1'), { type: 'denied', why: 'ended' }],
    [2_000, acquire(sender('a'), '2'), { type: 'denied', why: 'stale', wait: 0 }],
  ],
  'F21: for a second the host whose probe failed lets others go first': [
    [0, trip(a, 0, 0), { type: 'changed' }],
    [0, acquire(knowsOpen('a', 0), '1'), { type: 'granted' }],
    [0, settle(a, '1', at(1), 'failure', 4_000), { record: open(3) }],
    [4_000, acquire(knowsOpen('a', 3), '2'), { type: 'denied', why: 'wary', wait: 1_000 }],
    [4_999, acquire(knowsOpen('a', 3), '2'), { type: 'denied', why: 'wary', wait: 1 }],
    [4_999, acquire(knowsOpen('b', 3), '3', policy(2, 2, 2)), { type: 'granted' }],
    [4_999, acquire(knowsOpen('a', 3), '2'), { type: 'denied', why: 'wary' }],
    [5_000, acquire(knowsOpen('a', 3), '2'), { type: 'granted' }],
  ],
  'F25: counts of another epoch, and of a record that is not closed, count for nothing': [
    [
      0,
      exchange(a, { epoch: 3, failures: 1 }),
      { counted: false, rings: [{ calls: 0 }], run: { failures: 0 } },
    ],
    [0, trip(a, 0), { type: 'changed' }],
    [0, exchange(knowsOpen('a', 0), { failures: 1 }), { counted: false, rings: [{ calls: 0 }] }],
  ],
  'F26: a close that was reached while the store was down ends that very opening, and nothing newer': [
    [0, trip(a, 0), { type: 'changed' }],
    [1, exchange(sender('a', { epoch: at(0) + 1 })), { record: { state: 'closed', epoch: at(1) } }],
    [2, trip(b, at(1)), { record: open(2) }],
    [3, exchange(sender('a', { epoch: at(0) + 1 })), { record: open(2) }],
  ],
}

/** Returns a case for each scenario, which checks the reply to each of its steps. */
export function tableCases(target: StorageTarget): StorageCase[] {
  const { setTime } = target
  if (!setTime) return []
  return Object.entries(tables).map(([name, lines]) =>
    stagedCase(target, name, async ({ storage }) => {
      for (const [index, [ms, command, answer]] of lines.entries()) {
        await setTime.call(target, at(ms))
        if (command === 'loss') await target.clear()
        else expectToHave(await send(storage, NAME, command), answer, `line ${index + 1}, ${command.type}`)
      }
    }),
  )
}
