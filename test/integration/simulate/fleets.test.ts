import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { simulate } from '../../../scripts/simulate/fleet.ts'
import { OUTAGE_BEGINS, OUTAGE_ENDS, POLICIES, type Scenario } from '../../../scripts/simulate/scenario.ts'
import { never } from '../../../src/index.ts'

const SIZE = 20
const SHARED = ['first-trip', 'pooled'] as const

/** A fleet for which all calls fail. */
const total: Scenario = { id: 'total', title: 'all fail', size: SIZE, rate: 1, failing: () => 1 }
const oneBad: Scenario = { ...total, failing: (process) => (process === 0 ? 1 : 0) }

describe('a simulated fleet', () => {
  for (const policy of POLICIES) {
    it(`is deterministic for a seed: ${policy}`, async () => {
      assert.deepEqual(await simulate(total, policy, 7), await simulate(total, policy, 7))
    })
  }

  it('differs with another seed', async () => {
    assert.notDeepEqual(await simulate(total, 'pooled', 7), await simulate(total, 'pooled', 8))
  })

  it('meets the same traffic and the same failures under each policy', async () => {
    const scenario: Scenario = { ...total, failing: () => 0.3, rule: never() }
    const { calls, failed } = await simulate(scenario, 'local', 7)
    assert.ok(failed > 0.2 * calls && failed < 0.4 * calls, `${failed} of ${calls} failed`)
    for (const policy of SHARED) {
      const shared = await simulate(scenario, policy, 7)
      assert.deepEqual({ calls: shared.calls, failed: shared.failed }, { calls, failed })
    }
  })

  it('of independent processes lets five failures of each through, and then their probes', async () => {
    const { failed, failedProbes, protectedAfter } = await simulate(total, 'local', 7)
    const before = failed - failedProbes
    // Plus the calls in flight when the fifth failed: they take up to 0.3 s, and there is one per second.
    assert.ok(before >= 5 * SIZE && before <= 6 * SIZE, `${before} failed before the circuits opened`)
    assert.ok(failedProbes >= 4 * SIZE && failedProbes <= 6 * SIZE, `${failedProbes} probes failed`)
    assert.ok(protectedAfter! > 5_000 && protectedAfter! < 30_000, `protected after ${protectedAfter} ms`)
  })

  it('that shares lets fewer failures through, and probes once for all (F2, F17)', async () => {
    const local = await simulate(total, 'local', 7)
    for (const policy of SHARED) {
      const shared = await simulate(total, policy, 7)
      assert.ok(shared.failed < local.failed / 2, `${policy}: ${shared.failed} of ${local.failed} failed`)
      assert.ok(shared.protectedAfter! < local.protectedAfter!)
      // A one-minute outage with an open time of 10 s: a probe per period, whatever the size of the fleet.
      assert.ok(shared.probes >= 4 && shared.probes <= 7, `${policy}: ${shared.probes} probes`)
    }
  })

  it('that pools lets one bad node open only itself (F6)', async () => {
    const { open, falseTrips, protectedAfter } = await simulate(oneBad, 'pooled', 7)
    assert.equal(falseTrips, 0)
    assert.equal(protectedAfter, null)
    assert.equal(Math.max(...open), 1 / SIZE)
  })

  it('is opened as a whole by one bad node under the policy first-trip', async () => {
    const { open, falseTrips } = await simulate(oneBad, 'first-trip', 7)
    assert.ok(falseTrips >= SIZE - 1, `${falseTrips} false trips`)
    assert.equal(Math.max(...open), 1)
  })

  it('samples each second how many are open', async () => {
    const { open } = await simulate(total, 'pooled', 7)
    assert.ok(open.slice(0, OUTAGE_BEGINS / 1_000).every((share) => share === 0))
    assert.ok(open.slice(OUTAGE_BEGINS / 1_000, OUTAGE_ENDS / 1_000).some((share) => share === 1))
    assert.equal(open.at(-1), 0)
  })
})

describe('the store of a simulated fleet', () => {
  it('gets at most one exchange per interval from a breaker, however many calls it admits, and none from an idle one (F24)', async () => {
    for (const rate of [4, 20]) {
      const { store } = await simulate({ ...total, rate, failing: () => 0 }, 'pooled', 7)
      // The interval is a second, give or take a tenth, from a reply to the next exchange.
      assert.ok(
        store.calm > 0.8 * SIZE && store.calm < 1.1 * SIZE,
        `${store.calm} per second at ${rate} calls/s`,
      )
      assert.equal(store.idle, 0)
    }
  })

  it('gets no exchange from independent processes', async () => {
    assert.equal((await simulate(total, 'local', 7)).store.peak, 0)
  })

  for (const way of ['refusing', 'hanging'] as const) {
    for (const policy of SHARED) {
      it(`can be ${way}: each process then behaves as if it were alone (F26): ${policy}`, async () => {
        const scenario: Scenario = { ...total, store: { way, from: 10_000, to: 100_000 } }
        const { store: _, ...shared } = await simulate(scenario, policy, 7)
        const { store: __, ...local } = await simulate(scenario, 'local', 7)
        assert.deepEqual(shared, local)
      })
    }
  }

  it('may fail in the middle of an outage: the fleet honors its opening, and each process recovers by itself (F26)', async () => {
    const scenario: Scenario = { ...total, store: { way: 'hanging', from: 40_000, to: 100_000 } }
    const { failed, failedProbes, recoveredAfter, open } = await simulate(scenario, 'pooled', 7)
    const local = await simulate(scenario, 'local', 7)
    assert.ok(failed - failedProbes < (local.failed - local.failedProbes) / 2)
    assert.ok(failedProbes > SIZE, `${failedProbes} probes failed`)
    // Each process ends its opening at its own time.
    assert.ok(recoveredAfter <= 10_000 + 1_000, `recovered after ${recoveredAfter} ms`)
    assert.equal(open.at(-1), 0)
  })
})
