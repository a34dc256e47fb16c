import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { STATES } from '../../../../src/base/state.ts'
import { Dice, seeded } from '../../../../src/testing/storage-kit/random.ts'
import { parameters } from '../../model/parameters.ts'
import { check, mustEnd } from '../support/checks.ts'
import {
  firstWorld,
  futures,
  LEASE,
  RAMP,
  serverTime,
  TICK,
  type Event,
  type Play,
  type Step,
  type World,
} from '../support/world.ts'

const NOTHING = {
  sends: 0,
  ticks: 0,
  delays: 0,
  duplicates: 0,
  crashes: 0,
  losses: 0,
  restores: 0,
  stepsBack: 0,
  stepsOn: 0,
  alone: 0,
  orders: 0,
  cuts: 0,
  naps: 0,
}

/** Visits every reachable world once, and checks each step. Asserts that there are at least `worlds`. */
function explore(clients: number, play: Play, worlds: number): void {
  const first = firstWorld(clients, play)
  const seen = new Set([keyOf(first)])
  const ends = new Set<string>()
  let layer: World[] = [first]
  while (layer.length > 0) {
    const next: World[] = []
    for (const before of layer) {
      for (const [after, event] of futures(before, play)) {
        tryStep(before, after, event, play)
        const { record } = after
        if (record?.state === 'half-open') {
          const shape = JSON.stringify([record, serverTime(after)])
          if (!ends.has(shape)) mustEnd(record, record.epoch, serverTime(after), play.policy.calls * LEASE)
          ends.add(shape)
        }
        const key = keyOf(after)
        if (seen.has(key)) continue
        seen.add(key)
        assert.ok(seen.size < 60_000, 'more worlds than a test has time for')
        next.push(after)
      }
    }
    layer = next
  }
  assert.ok(seen.size >= worlds, `only ${seen.size} worlds`)
  assert.ok(!play.probes || ends.size > 0, 'none of them is half-open')
}

/** Identifies a world: its values without most of their names, which would take half of the time. */
function keyOf(world: World): string {
  const { clients, left, probes, ...others } = world
  return JSON.stringify([
    Object.values(others),
    clients.map((each) => Object.values(each)),
    Object.values(left),
    probes,
  ])
}

function tryStep(before: World, after: World, event: Event, play: Play): void {
  try {
    check(before, after, event, play)
  } catch (cause) {
    throw new Error(`${event.what}: ${JSON.stringify({ before, after })}`, { cause })
  }
}

const strict = { calls: 2, successes: 2, concurrent: 1 }
const generous = { calls: 2, successes: 1, concurrent: 2 }
const single = { calls: 1, successes: 1, concurrent: 1 }
const STEP = 100 * TICK
const SMALL_STEP = 30 * TICK
const PLAY = { policy: strict, probes: true, known: false, orders: [], ramps: [], step: STEP } as const

/** Orders without anything else. */
const ORDERS = {
  ...PLAY,
  policy: single,
  probes: false,
  known: true,
  orders: ['isolated', 'closed'],
} as const
/** Any order, beside trips and probes. */
const ANY_ORDERS = { ...ORDERS, probes: true, orders: STATES }
const RAMPS = { ...PLAY, policy: single, known: true, ramps: [RAMP, RAMP] }

describe('every run of a small fleet', () => {
  for (const [policy, name] of [
    [strict, 'one probe at a time'],
    [generous, 'two at once'],
  ] as const) {
    // Deeper runs are random, below.
    for (const [title, faults, sends, ticks, worlds] of [
      ['a message late or reordered', { delays: 1 }, 4, 2, 5_000],
      ['a message twice', { duplicates: 1 }, 4, 3, 7_000],
      ['a message late and a loss of data', { delays: 1, losses: 1 }, 3, 2, 4_000],
      ['a message twice and a loss of data', { duplicates: 1, losses: 1 }, 3, 2, 2_000],
      ['a crash and a loss of data', { crashes: 1, losses: 1 }, 4, 2, 9_000],
      ['a loss of data and a clock that is set back', { losses: 1, stepsBack: 1 }, 4, 2, 9_000],
      ['a loss of data and a clock that is set forward', { losses: 1, stepsOn: 1 }, 4, 2, 9_000],
      ['a process that recovers alone and a clock that is set back', { alone: 1, stepsBack: 1 }, 4, 2, 7_000],
    ] as const) {
      it(`I1–I5: ${name}, ${title}`, () => {
        explore(2, { ...PLAY, policy, budget: { ...NOTHING, ...faults, sends, ticks } }, worlds)
      })
    }
  }

  it('I1–I5: three processes', () => {
    explore(3, { ...PLAY, policy: strict, budget: { ...NOTHING, sends: 5, ticks: 4 } }, 15_000)
  })

  for (const [title, budget, play, worlds] of [
    ['of any kind', { sends: 1, orders: 3, ticks: 1 }, { orders: STATES }, 2_000],
    ['late or reordered', { sends: 1, orders: 2, delays: 2 }, {}, 2_000],
    ['twice', { sends: 1, orders: 3, duplicates: 1 }, {}, 1_000],
    ['while a link is cut', { sends: 3, orders: 2, cuts: 1, ticks: 1 }, {}, 5_000],
    ['before the first reply', { sends: 3, orders: 2, ticks: 1 }, { known: false }, 2_000],
    ['while a link is cut and data is lost', { sends: 3, orders: 2, cuts: 1, losses: 1 }, {}, 3_000],
    [
      'while a link is cut and the store restarts with old data',
      { sends: 2, orders: 3, cuts: 1, restores: 1, ticks: 1 },
      {},
      3_000,
    ],
    [
      'when a trip comes before what heals a loss',
      { sends: 3, orders: 1, losses: 1 },
      { probes: true },
      1_000,
    ],
    ['when data is lost and the clock set back', { sends: 1, orders: 3, losses: 1, stepsBack: 1 }, {}, 4_000],
    [
      'when data is lost and the clock set back by less than a minute',
      { sends: 3, orders: 1, losses: 1, stepsBack: 1 },
      { probes: true, orders: ['isolated'], step: SMALL_STEP },
      2_000,
    ],
    ['when nothing happens for minutes', { sends: 2, orders: 2, cuts: 1, naps: 1 }, {}, 6_000],
    [
      'beside a process that recovers alone',
      { sends: 2, orders: 2, cuts: 1, alone: 1 },
      { orders: ['open', 'half-open'] },
      2_000,
    ],
  ] as const) {
    it(`F9b: orders by hand of two processes, ${title}`, () => {
      explore(2, { ...ORDERS, ...play, budget: { ...NOTHING, ...budget } }, worlds)
    })
  }

  for (const [title, budget, play, worlds] of [
    ['a message late', { sends: 4, ticks: 2, delays: 1 }, {}, 5_000],
    ['a loss of data', { sends: 5, ticks: 1, losses: 1 }, {}, 1_500],
    ['a clock that is set back', { sends: 4, ticks: 1, naps: 2, stepsBack: 1 }, { step: SMALL_STEP }, 4_000],
    ['a clock that is set forward', { sends: 4, ticks: 1, naps: 1, stepsOn: 1 }, {}, 5_000],
    ['one process that does not ramp', { sends: 5, ticks: 1, naps: 1 }, { ramps: [RAMP] }, 2_000],
    ['an order by hand', { sends: 4, ticks: 1, naps: 1, orders: 1 }, { orders: ['closed'] }, 2_000],
  ] as const) {
    it(`F14b: a ramp, ${title}`, () => {
      explore(2, { ...RAMPS, ...play, budget: { ...NOTHING, ...budget } }, worlds)
    })
  }
})

/** Takes random steps from the first world on, and checks each. Asserts that they include every reply in `expected`. */
function walk(play: Play, expected: readonly string[]): void {
  const seen = new Set<string>()
  for (let run = 0; run < WALKS; run++) {
    const dice = new Dice(seeded(SEED + run))
    let world = firstWorld(3, play)
    for (let i = 0; i < 50; i++) {
      // Of the kinds of steps, so that the rare ones have a chance.
      const kinds = new Map<string, Step[]>()
      for (const step of futures(world, play)) {
        const { what } = step[1]
        kinds.set(what, [...(kinds.get(what) ?? []), step])
      }
      if (kinds.size === 0) break
      const [after, event] = anyOf(dice, anyOf(dice, [...kinds.values()]))
      tryStep(world, after, event, play)
      if (event.served) seen.add(replyOf(event.served))
      world = after
    }
  }
  for (const each of expected) assert.ok(seen.has(each), `no ${each}, only ${[...seen].join(', ')}`)
}

const anyOf = <T>(dice: Dice, list: readonly T[]): T => list[dice.integer(0, list.length - 1)]!

const replyOf = ({ command, reply }: NonNullable<Event['served']>): string =>
  [command.type, reply.type, 'why' in reply ? reply.why : ''].join(' ').trim()

// A few per rule, since each run has many steps. `RECLOSER_RUNS` sets them.
const WALKS = Math.ceil(parameters.numRuns / 20)
const SEED = parameters.seed ?? 1
const MANY = { ...NOTHING, sends: 30, orders: 5, ticks: 10 }

describe('random runs of three processes', () => {
  const changes = ['change changed', 'change refused overtaken', 'change refused stale']
  for (const [title, faults, play] of [
    ['messages late and twice', { delays: 3, duplicates: 2 }, { known: false }],
    ['links cut, data lost, crashes', { cuts: 3, losses: 2, delays: 2, duplicates: 1, crashes: 1 }, {}],
    ['links cut, old data', { cuts: 3, restores: 2 }, {}],
    ['links cut, data lost, processes alone', { cuts: 3, losses: 2, alone: 1 }, {}],
    ['a clock set forward', { cuts: 3, stepsOn: 1, alone: 1 }, {}],
    ['a clock set back', { cuts: 3, losses: 2, stepsBack: 1 }, {}],
    ['a clock set back by less than a minute', { cuts: 3, losses: 2, stepsBack: 1 }, { step: SMALL_STEP }],
    ['ramps, and naps', { naps: 2, losses: 1, stepsBack: 1 }, { ramps: [RAMP, RAMP, RAMP] }],
  ] as const) {
    it(`F9b, F14b, I1–I5: orders by hand and probes, ${title}`, () => {
      walk({ ...ANY_ORDERS, ...play, budget: { ...MANY, ...faults } }, changes)
    })
  }
})
