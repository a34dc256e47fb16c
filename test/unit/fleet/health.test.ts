import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { failureRate, type CircuitBreaker, type LinkEvent } from '../../../src/index.ts'
import type { StorageHint } from '../../../src/storage/index.ts'
import type { Unusable } from '../../../src/storage/contract/replies.ts'
import { failing, inWorld, working, type Process, type World } from './support/world.ts'

/** Makes the store hold all operations of a process. Returns a function that lets them go on. */
function pause(member: Process): () => void {
  let resume = (): void => {}
  const paused = new Promise<void>((resolve) => (resume = resolve))
  const travel = member.travel.bind(member)
  member.travel = async (run) => {
    await paused
    return travel(run)
  }
  return () => {
    resume()
    member.travel = travel
  }
}

/** Makes the store refuse what writes, and answer the rest. Returns a function that ends that. */
function refuse(member: Process, why: Unusable['why'], names?: readonly string[]): () => void {
  const { storage } = member
  const refusal = (): Promise<Unusable> => {
    member.sent.push('refused')
    return Promise.resolve({ type: 'unusable', why, text: `NO ${'x'.repeat(1_000)}\n` })
  }
  const { exchange, change } = storage
  storage.exchange = (name, command, ...rest) =>
    (names?.includes(name) ?? true) && command.successes + command.failures > 0
      ? refusal()
      : exchange.call(storage, name, command, ...rest)
  storage.change = (name, ...rest) =>
    (names?.includes(name) ?? true) ? refusal() : change.call(storage, name, ...rest)
  return () => Object.assign(storage, { exchange, change })
}

interface Seen {
  readonly name: string | undefined
  readonly at: number
  readonly state: LinkEvent['state']
  readonly error: unknown
  readonly unsent: unknown
}

function watch(world: World, breakers: readonly CircuitBreaker[]): Seen[] {
  const seen: Seen[] = []
  for (const breaker of breakers) {
    breaker.addListener({
      link: ({ state, error, unsent }) =>
        void seen.push({ name: breaker.name, at: world.clock.now(), state, error, unsent }),
    })
  }
  return seen
}

const names = (count: number): string[] => Array.from({ length: count }, (_, i) => `service-${i}`)

/** Makes a call of each breaker every 100 ms, every third of which fails. */
async function traffic(world: World, breakers: readonly CircuitBreaker[], duration: number): Promise<void> {
  for (let time = 0; time < duration; time += 100) {
    for (const breaker of breakers)
      await (time % 300 === 0 ? failing(breaker) : working(breaker)).catch(() => {})
    await world.pass(100, 10)
  }
}

describe('F28b: the health of a store', () => {
  for (const count of [1, 6, 40]) {
    it(
      `F28b: a pause of 2.2 s is no outage, one of 8 s is, with ${count} breakers`,
      inWorld(async (world) => {
        const member = world.process()
        const breakers = names(count).map((name) => member.breaker({ name, failMax: 1_000 }))
        const seen = watch(world, breakers)
        await traffic(world, breakers, 2_500)
        for (let round = 0; round < 3; round++) {
          const resume = pause(member)
          await traffic(world, breakers, 2_200)
          resume()
          await traffic(world, breakers, 2_500)
        }
        assert.equal(seen.length, 0, JSON.stringify(seen))
        const before = member.count('exchange')
        await traffic(world, breakers, 3_000)
        const usual = member.count('exchange') - before
        assert.ok(usual >= 2 * count, 'F24b: the interval is what it was before')
        const resume = pause(member)
        await traffic(world, breakers, 8_000)
        resume()
        await traffic(world, breakers, 2_000)
        const states = breakers.map(({ name }) => seen.filter((each) => each.name === name))
        for (const each of states)
          assert.deepEqual(
            each.map(({ state }) => state),
            ['degraded', 'live'],
          )
      }),
    )
  }

  for (const why of ['full', 'readonly', 'failed', 'denied'] as const) {
    it(
      `F28b: what the store refuses (${why}) concerns that record alone, and is an event per 30 s at most`,
      inWorld(async (world) => {
        const member = world.process()
        const trip = failureRate({ threshold: 0.9, window: 10_000, minCalls: 1_000 })
        const all: CircuitBreaker[] = names(6).map((name, i) =>
          member.breaker({ name, ...(i % 2 === 0 ? { failMax: 1_000 } : { failMax: undefined, trip }) }),
        )
        const concerned = names(4)
        const seen = watch(world, all)
        await traffic(world, all, 2_000)
        const end = refuse(member, why, concerned)
        await traffic(world, all, 5_000)
        all[0]!.isolate('maintenance')
        const sent = member.sent.length
        await traffic(world, all, 95_000)
        const refused = member.sent.slice(sent).filter((each) => each === 'refused').length
        assert.ok(refused >= 4 && refused <= 4 * 5, `looked at again every 30 s, ${refused} times`)
        end()
        await traffic(world, all, 65_000)
        for (const { name, state } of all) {
          const own = seen.filter((each) => each.name === name)
          if (!concerned.includes(name)) assert.deepEqual(own, [], `${name} is not concerned`)
          else {
            assert.match(String(own[0]?.error), why === 'denied' ? /^denied/ : new RegExp(`^${why}: NO x+$`))
            assert.ok(String(own[0]?.error).length < 300, 'F29: the text is cut')
            assert.equal(own.at(-1)?.state, 'live')
          }
          const close = own.filter(({ at }, i) => i > 0 && at - own[i - 1]!.at < 29_000)
          // The manual change is reported when it is given.
          assert.ok(close.length <= (name === 'service-0' ? 2 : 0), JSON.stringify(own))
          assert.equal(state, name === 'service-0' ? 'isolated' : 'closed')
        }
        assert.equal(world.record('service-0').state, 'isolated', 'F9b: the order was kept')
      }),
    )
  }

  it(
    'F28b: a read that is answered does not make a record live that may not be written',
    inWorld(async (world) => {
      const member = world.process()
      const breaker = member.breaker({ failMax: 1_000 })
      const seen = watch(world, [breaker])
      await working(breaker)
      await world.pass(1_500)
      refuse(member, 'full')
      await failing(breaker)
      await world.pass(100)
      assert.deepEqual(
        seen.map(({ state }) => state),
        ['degraded'],
      )
      // No more calls for half a minute, so that the next look only reads; then another failure.
      breaker.tryAcquire()?.ignore()
      await world.pass(31_000, 50)
      await breaker.flush()
      await world.pass(2_000)
      assert.equal(seen.length, 1)
    }),
  )

  it(
    'F28b: one record that the store does not answer is degraded alone, and its return is noticed within three seconds',
    inWorld(async (world) => {
      const member = world.process()
      const [lost, other] = [member.breaker({ name: 'lost' }), member.breaker({ name: 'other' })]
      const seen = watch(world, [lost, other])
      await traffic(world, [lost, other], 2_000)
      const { exchange } = member.storage
      member.storage.exchange = (name, ...rest) =>
        name === 'lost' ? new Promise(() => {}) : exchange.call(member.storage, name, ...rest)
      await traffic(world, [lost, other], 10_000)
      assert.deepEqual(
        seen.map(({ name, state }) => [name, state]),
        [['lost', 'degraded']],
      )
      member.storage.exchange = exchange
      await traffic(world, [lost, other], 3_000)
      assert.deepEqual(
        seen.map(({ name, state }) => [name, state]),
        [
          ['lost', 'degraded'],
          ['lost', 'live'],
        ],
      )
    }),
  )
})

describe('F24b: after an outage', () => {
  for (const way of ['refusing', 'hanging'] as const) {
    for (const seconds of [1, 8, 60]) {
      it(
        `F24b: of ${seconds} s, ${way}, all agree within an interval and a second`,
        inWorld(async (world) => {
          const members = [1, 6, 40].map((count) => {
            const member = world.process()
            const reporter = `host-${count}`
            return { member, breakers: names(count).map((name) => member.breaker({ name, reporter })) }
          })
          const operator = world.process().breaker({ name: 'service-0', reporter: 'operator' })
          const all = members.flatMap(({ breakers }) => breakers)
          await working(operator)
          for (const breaker of all) await working(breaker)
          await world.pass(1_200)
          for (let round = 0; round < (seconds === 1 ? 20 : 2); round++) {
            for (const { member } of members) member.way = way
            for (let time = 0; time < seconds * 1_000; time += 250) {
              for (const breaker of all) await working(breaker).catch(() => {})
              await world.pass(250, 10)
            }
            if (round % 2 === 0) operator.isolate()
            else operator.close()
            for (const { member } of members) member.way = 'up'
            for (let time = 0; time < 2_000; time += 250) {
              for (const breaker of all) await working(breaker).catch(() => {})
              await world.pass(250, 10)
            }
            for (const { breakers } of members) {
              const { state, fleet } = breakers[0]!.snapshot()
              assert.deepEqual([state, fleet?.link], [round % 2 === 0 ? 'isolated' : 'closed', 'live'])
            }
          }
        }),
      )
    }
  }
})

describe('F24b, F16: what comes after a fault', () => {
  it(
    'F24b: the round after a lost reply comes an interval after its start, not after its end',
    inWorld(async (world) => {
      const member = world.process()
      const breaker = member.breaker()
      const works = async (duration: number): Promise<void> => {
        for (let time = 0; time < duration; time += 50) {
          await working(breaker)
          await world.pass(50)
        }
      }
      await works(2_000)
      member.way = 'hanging'
      const before = member.count('exchange')
      while (member.count('exchange') === before) await works(50)
      member.way = 'up'
      await works(1_300)
      assert.equal(member.count('exchange'), before + 2)
    }),
  )

  it(
    'F16: a denial of reads is over when one is executed, though a healthy breaker only reads',
    inWorld(async (world) => {
      const member = world.process()
      const breaker = member.breaker({ failMax: 1_000 })
      const seen = watch(world, [breaker])
      const works = async (duration: number): Promise<void> => {
        for (let time = 0; time < duration; time += 100) {
          await working(breaker)
          await world.pass(100, 10)
        }
      }
      await works(2_000)
      const end = refuse(member, 'denied')
      await works(3_000)
      end()
      await works(31_000)
      assert.deepEqual(
        seen.map(({ state }) => state),
        ['degraded', 'live'],
      )
    }),
  )
})

describe('F23: hints', () => {
  it(
    'F23: name a record as the storage does, whatever its form',
    inWorld(async (world) => {
      const member = world.process()
      const listeners: ((hint: StorageHint) => void)[] = []
      const recordName = (name: string): string => `#${name.length}`
      const subscribe = (listener: (hint: StorageHint) => void): Promise<() => void> => {
        listeners.push(listener)
        return Promise.resolve(() => {})
      }
      Object.assign(member.storage, { recordName, subscribe })
      const breaker = member.breaker({ name: 'x'.repeat(10_000) })
      const other = world.process().breaker({ name: 'x'.repeat(10_000) })
      await working(breaker)
      await working(other)
      await world.pass(1_500)
      other.isolate()
      await world.pass(50)
      const before = member.count('exchange')
      for (const listener of listeners) listener({ name: 'x'.repeat(10_000), epoch: 9e14 })
      await world.pass(25)
      assert.equal(member.count('exchange'), before)
      for (const listener of listeners) listener({ name: '#10000', epoch: 9e14 })
      await world.pass(25)
      assert.equal(breaker.state, 'isolated')
    }),
  )
})
