import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { CircuitBreaker } from '../../../src/index.ts'
import { refused } from '../../helpers/refusal.ts'
import { ManualClock, ScriptedDependency, type ScriptStep } from '../../../src/testing/index.ts'

describe('ScriptedDependency', () => {
  it('follows its script, one step per call, and repeats the last one', async () => {
    const error = new RangeError('mine')
    const dependency = new ScriptedDependency<unknown>(['ok', { value: 42 }, { error }, 'fail'])
    assert.equal(await dependency.call(), 'ok')
    assert.equal(await dependency.call(), 42)
    await assert.rejects(dependency.call(), (thrown) => thrown === error)
    await assert.rejects(dependency.call(), Error)
    await assert.rejects(dependency.call(), Error)
  })

  it('numbers its calls in their errors', async () => {
    const dependency = new ScriptedDependency(['ok', 'fail'])
    await dependency.call()
    await assert.rejects(dependency.call(), /2/)
    await assert.rejects(dependency.call(), /3/)
  })

  it('returns and throws falsy values as they are', async () => {
    const dependency = new ScriptedDependency<unknown>([
      { value: undefined },
      { value: 0 },
      { error: undefined },
    ])
    assert.equal(await dependency.call(), undefined)
    assert.equal(await dependency.call(), 0)
    assert.deepEqual(await dependency.call().catch((error: unknown) => [error]), [undefined])
  })

  it('records the arguments of its calls, including those that fail and hang', async () => {
    const dependency = new ScriptedDependency(['ok', 'fail', 'hang'])
    await dependency.call('a', 1)
    await assert.rejects(dependency.call())
    void dependency.call('hangs')
    assert.deepEqual(dependency.calls, [['a', 1], [], ['hangs']])
  })

  it('hangs until it is settled, call by call', async () => {
    const dependency = new ScriptedDependency<string>(['hang'])
    const [first, second] = [dependency.call('first'), dependency.call('second')]
    const [one, two] = dependency.hanging
    assert.deepEqual([one?.args, two?.args], [['first'], ['second']])
    const error = new Error('mine')
    two?.reject(error)
    one?.resolve('done')
    assert.equal(await first, 'done')
    await assert.rejects(second, (thrown) => thrown === error)
  })

  it('always returns a promise, and can be passed on without its object', async () => {
    const { call } = new ScriptedDependency(['fail'])
    const answer = call()
    assert.ok(answer instanceof Promise)
    await assert.rejects(answer)
  })

  it('settles a value that is a promise, as it is typed', async () => {
    const dependency = new ScriptedDependency([{ value: Promise.resolve(5) }])
    const value: number = await dependency.call()
    assert.equal(value, 5)
  })

  it('keeps its own copy of the script', async () => {
    const steps: ScriptStep[] = ['ok']
    const dependency = new ScriptedDependency(steps)
    steps[0] = 'fail'
    steps.push('hang')
    assert.equal(await dependency.call(), 'ok')
    assert.equal(await dependency.call(), 'ok')
  })

  it('refuses a script with no step, an unknown step, a hole, or a step with both a value and an error', () => {
    const both = { value: 5, error: new Error('down') }
    const bad: [steps: unknown, name: string][] = [
      [[], 'steps'],
      ['ok', 'steps'],
      [['ok', 'okay'], 'steps[1]'],
      [['ok', {}], 'steps[1]'],
      [Object.assign([], { length: 2 }), 'steps[0]'],
      [Object.assign(Array(3), { 0: 'ok', 2: 'fail' }), 'steps[1]'],
      [[both], 'steps[0]'],
      [['ok', { value: undefined, error: undefined }], 'steps[1]'],
    ]
    for (const [steps, name] of bad)
      refused(() => new ScriptedDependency(steps as never), TypeError, `\`${name}\``)
  })

  it('plays an outage to a breaker', async () => {
    const clock = new ManualClock()
    const dependency = new ScriptedDependency(['ok', 'fail', 'fail', 'ok'])
    const breaker = new CircuitBreaker({ clock, failMax: 2, timeoutDuration: 1_000 })
    for (let i = 0; i < 5; i++) await breaker.call(dependency.call).catch(() => {})
    assert.equal(breaker.state, 'open')
    assert.equal(dependency.calls.length, 3)
    clock.advance(1_000)
    await breaker.call(dependency.call)
    assert.equal(breaker.state, 'closed')
  })
})
