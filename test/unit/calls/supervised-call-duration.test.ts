import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { CircuitBreaker, slowCallRate, type CircuitBreakerOptions } from '../../../src/index.ts'
import { SupervisedCall } from '../../../src/calls/supervised-call.ts'
import { ManualClock } from '../../../src/testing/index.ts'
import { due } from '../fleet/support/due.ts'
import { inWorld } from '../fleet/support/world.ts'

const SLOW = slowCallRate({ threshold: 1, slowerThan: 50, lastCalls: 1, minCalls: 1 })

/** Starts a supervised call. Returns the durations that its recorders and its listeners get, too. */
function admitted(options: CircuitBreakerOptions = {}): {
  clock: ManualClock
  breaker: CircuitBreaker
  call: SupervisedCall
  recorded: (number | undefined)[]
  published: (number | undefined)[]
} {
  const clock = new ManualClock(100)
  const published: (number | undefined)[] = []
  const listener = {
    success: ({ duration }: { duration?: number | undefined }) => void published.push(duration),
  }
  const breaker = new CircuitBreaker({ clock, listeners: [listener], ...options })
  const circuit = CircuitBreaker.circuitOf(breaker)!
  const recorded: (number | undefined)[] = []
  circuit.attach({ add: (_end, duration) => void recorded.push(duration) })
  return { clock, breaker, call: new SupervisedCall(circuit), recorded, published }
}

describe('the duration of a supervised call', () => {
  it('lasts until it is settled', () => {
    const { clock, breaker, call, recorded, published } = admitted({ trip: SLOW })
    clock.advance(60)
    call.succeed()
    assert.deepEqual([recorded, published, breaker.state], [[60], [60], 'open'])
  })

  it('lasts until its first lap, for the trip rule, the recorders and the listeners', () => {
    const { clock, breaker, call, recorded, published } = admitted({ trip: SLOW })
    clock.advance(20)
    call.lap()
    clock.advance(1_000)
    call.lap()
    clock.advance(1_000)
    call.succeed()
    assert.deepEqual([recorded, published, breaker.state], [[20], [20], 'closed'])
  })

  it('is slow if it was slow at its first lap', () => {
    const { clock, breaker, call } = admitted({ trip: SLOW })
    clock.advance(60)
    call.lap()
    call.succeed()
    assert.equal(breaker.state, 'open')
  })

  it('is unknown, and never slow, once the call runs at the pace of its consumer', () => {
    const { clock, breaker, call, recorded } = admitted({ trip: SLOW })
    call.pace()
    clock.advance(1_000)
    call.succeed()
    assert.deepEqual([recorded, breaker.state], [[undefined], 'closed'])
  })

  it('does not read the clock at a lap if nothing needs the duration', () => {
    let readings = 0
    const breaker = new CircuitBreaker({ clock: { now: () => ++readings } })
    const call = new SupervisedCall(CircuitBreaker.circuitOf(breaker)!)
    call.lap()
    assert.equal(readings, 0)
  })

  for (const [when, state] of [
    [20, 'closed'],
    [60, 'open'],
  ] as const) {
    it(
      `a probe of a fleet whose first lap is after ${when} ms leaves the fleet ${state}`,
      inWorld(async (world) => {
        const [breaker] = await due(world, 1, { failMax: undefined, trip: SLOW, share: 'first-trip' })
        const circuit = CircuitBreaker.circuitOf(breaker!)!
        const lease = circuit.member!.awaitLease(undefined)
        await world.pass(50)
        await lease
        const call = new SupervisedCall(circuit)
        await world.pass(when)
        call.lap()
        await world.pass(500)
        call.succeed()
        await world.pass(100)
        assert.equal(world.record().state, state)
      }),
    )
  }
})
