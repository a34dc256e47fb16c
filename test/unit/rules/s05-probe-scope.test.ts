import assert from 'node:assert/strict'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, it } from 'node:test'
import { CircuitBreaker, isCircuitBreakerError } from '../../../src/index.ts'
import { runProgram } from '../../helpers/program.ts'
import { breakerFor, WAYS, type Way } from '../../helpers/ways.ts'

/** Runs the scenarios where the AsyncLocalStorage is as given. Returns the results and what happened to it. */
const run = async (given: string): Promise<Record<string, [string, string[]]>> =>
  JSON.parse(await runProgram(join(import.meta.dirname, 'programs/probe-scope.ts'), [], [given])) as Record<
    string,
    [string, string[]]
  >

const EXPECTED: Record<string, [string, string[]]> = {
  'no probe': ['', []],
  'a probe': ['closed', ['created', 'disabled']],
  'a synchronous probe': ['closed', ['disabled']],
  'a probe that fails': ['', ['disabled']],
  'two probes at once': ['', ['the other has ended', 'disabled']],
  'a hung probe whose lease ends': ['', ['disabled', 'half-open']],
  'a hung probe whose period is closed by hand': ['', ['disabled']],
  'a hung probe whose circuit is isolated': ['', ['disabled']],
  'a hung probe whose breaker is turned off': ['', ['disabled']],
  'a hung probe whose period another one ends': ['', ['disabled']],
  'a generator that goes on after its probe': ['', ['disabled', 'closed']],
}

describe('S5: the AsyncLocalStorage', () => {
  it('S5: is created for the first probe, and disabled whenever no probe is in flight', async () => {
    assert.deepEqual(await run('works'), EXPECTED)
  })

  it('S5: may lack `disable`, as in Cloudflare Workers: probes work all the same', async () => {
    assert.deepEqual(await run('not disabled'), EXPECTED)
  })

  it('S5: is not needed: without it the nested call is rejected and the probe ignored', async () => {
    const results = await run('none')
    assert.deepEqual(results['a probe'], ['half-open', []])
    assert.deepEqual(results['a synchronous probe'], ['half-open', []])
    assert.deepEqual(
      Object.values(results)
        .flatMap(([, log]) => log)
        .filter((each) => /created|disabled/.test(each)),
      [],
    )
  })
})

describe('S5: without an AsyncLocalStorage', () => {
  const { getBuiltinModule } = process
  const inner = (): string => 'inner'

  beforeEach(() => void Object.assign(process, { getBuiltinModule: undefined }))
  afterEach(() => void Object.assign(process, { getBuiltinModule }))

  const isMethod = ({ name }: Way): boolean => name === 'protect'
  for (const way of WAYS.filter((each) => each.options.mode !== 'observe' && !isMethod(each))) {
    it(`S5: the rejection of a nested call is ignored in the outer one, by ${way.name}`, async () => {
      const breaker = breakerFor(way, { halfOpen: { calls: 1 } })
      breaker.halfOpen()
      const outer = way.call(breaker, () => breaker.call(inner))
      await assert.rejects(outer, { name: 'CircuitBreakerError', reason: 'half-open' })
      assert.equal(breaker.state, 'half-open', 'neither closed nor re-opened')
      assert.equal(breaker.retryAfter, 0, 'another probe may start')
      const { ignored, rejected } = breaker.snapshot()
      assert.deepEqual({ ignored, rejected }, { ignored: 1, rejected: 1 })
    })
  }

  it('S5: what a method calls synchronously is part of the probe all the same', async () => {
    const way = WAYS.find(isMethod)!
    for (const options of [{}, { callTimeout: 1e9 }]) {
      const breaker = new CircuitBreaker({ halfOpen: { calls: 1 }, ...options })
      breaker.halfOpen()
      assert.equal(await way.call(breaker, () => breaker.ready().then(() => 'ready')), 'ready')
      assert.equal(breaker.state, 'closed')
      breaker.halfOpen()
      assert.equal(await way.call(breaker, () => breaker.call(inner)), 'inner')
      assert.equal(breaker.state, 'closed')
      breaker.halfOpen()
      await way.call(breaker, () => breaker.call(() => Promise.reject(new Error('down'))).catch(() => {}))
      assert.equal(breaker.state, 'open')
      assert.deepEqual([breaker.snapshot().ignored, breaker.snapshot().rejected], [0, 0])
    }
  })

  it('S5: the rejection of a nested synchronous call is ignored in the outer one', () => {
    const breaker = new CircuitBreaker()
    breaker.halfOpen()
    assert.throws(() => breaker.callSync(() => breaker.callSync(inner)), isCircuitBreakerError)
    assert.equal(breaker.state, 'half-open')
    assert.equal(breaker.snapshot().ignored, 1)
  })

  it('S5: the mark survives a call of another breaker that passes the rejection on', async () => {
    const breaker = new CircuitBreaker({ failMax: 1 })
    const between = new CircuitBreaker({ failMax: 1, exclude: [isCircuitBreakerError] })
    breaker.halfOpen()
    const through = breaker.call(() => between.call(() => breaker.call(() => 'inner')))
    await assert.rejects(through, isCircuitBreakerError)
    assert.equal(breaker.state, 'half-open')
    assert.equal(breaker.snapshot().ignored, 1)
    assert.equal(between.snapshot().ignored, 1)
  })

  it('S7: a fallback never runs for the rejection of a nested call, which is ignored', async () => {
    const breaker = new CircuitBreaker()
    breaker.halfOpen()
    const fallback = (): never => assert.fail('ran for an ignored call')
    await assert.rejects(
      breaker.run(() => breaker.call(inner), { fallback }),
      isCircuitBreakerError,
    )
    await assert.rejects(breaker.wrap(async () => breaker.call(inner), { fallback })(), isCircuitBreakerError)
  })

  for (const depth of [1, 2, 3]) {
    for (const concurrent of [1, 2, 3]) {
      const enough = concurrent >= depth
      it(`S5: a half-open circuit with ${concurrent} concurrent probes ${enough ? 'recovers' : 'stays'} with calls ${depth} deep`, async () => {
        const nest = (level: number): Promise<unknown> =>
          breaker.call(() => (level > 1 ? nest(level - 1) : 'innermost'))
        const breaker = new CircuitBreaker({ halfOpen: { calls: 3, successes: depth, concurrent } })
        breaker.halfOpen()
        if (enough) assert.equal(await nest(depth), 'innermost')
        else await assert.rejects(nest(depth), isCircuitBreakerError)
        assert.equal(breaker.state, enough ? 'closed' : 'half-open')
        const { inFlight, ignored, rejected } = breaker.snapshot()
        assert.deepEqual(
          { inFlight, ignored, rejected },
          { inFlight: 0, ignored: enough ? 0 : concurrent, rejected: enough ? 0 : 1 },
        )
      })
    }
  }
})
