import assert from 'node:assert/strict'
import { once } from 'node:events'
import { afterEach, beforeEach, describe, it } from 'node:test'
import type { CircuitBreaker } from '../../../src/index.ts'
import { Program, recloser, Running } from './cli-world.ts'

interface Line {
  readonly type: string
  readonly data: { readonly id?: string; readonly to?: string; readonly breakers?: readonly unknown[] }
  readonly error?: string
  readonly retryIn?: number
}

const parseLines = (text: string): Line[] =>
  text
    .split('\n')
    .slice(0, -1)
    .map((line) => JSON.parse(line) as Line)

describe('recloser watch', () => {
  let program: Program
  let payments: CircuitBreaker
  let running: Running | undefined

  beforeEach(async () => {
    program = await new Program().start()
    payments = program.add('payments')
    program.add('stock')
  })

  afterEach(async () => {
    if (running?.child.exitCode === null) await running.end('SIGKILL')
    running = undefined
    await program.stop()
  })

  const watch = (...args: readonly string[]): Running =>
    (running = new Running(['watch', program.url, ...args]))

  it('prints a line for each change of state, and its own progress to stderr', async () => {
    const watching = watch()
    await watching.until(/Watching http:\/\/127\.0\.0\.1:\d+\/breakers\/: 2 breakers: 2 closed\n/, 'err')
    payments.isolate('maintenance')
    payments.close('done')
    await watching.until(/\(done\)/)
    assert.equal(await watching.end('SIGINT'), 0)
    assert.match(
      watching.out,
      /^\S+Z payments: closed → ■ isolated \(maintenance\)\n\S+Z payments: isolated → ● closed \(done\)\n$/,
    )
  })

  it('ends with 0 on SIGTERM too', async () => {
    const watching = watch()
    await watching.until(/Watching/, 'err')
    assert.equal(await watching.end('SIGTERM'), 0)
  })

  it('reconnects when the program has restarted, and misses nothing', async () => {
    const watching = watch()
    await watching.until(/Watching/, 'err')
    const port = await program.stop()
    await watching.until(/Trying again in \d+ s\.\n/, 'err')
    payments.isolate('while nobody could see')
    await program.start(port)
    await watching.until(/Watching[^]*Watching .*: 2 breakers: 1 isolated, 1 closed/, 'err')
    await watching.until(/closed → ■ isolated \(while nobody could see\)\n/)
    assert.equal(await watching.end('SIGINT'), 0)
    assert.equal(watching.out.split('\n').length, 2)
  })

  it('--json prints one object per line: the snapshot, updates, transitions, and connection problems', async () => {
    const watching = watch('--json')
    await watching.until(/"type":"update"/)
    payments.isolate('maintenance')
    await watching.until(/"type":"transition".*\n/)
    await program.stop()
    await watching.until(/"type":"disconnected".*\n/)
    assert.equal(await watching.end('SIGINT'), 0)
    await program.start()
    const lines = parseLines(watching.out)
    assert.equal(lines[0]!.type, 'snapshot')
    const { data } = lines.find(({ type }) => type === 'transition')!
    assert.deepEqual([data.id, data.to], ['payments', 'isolated'])
    const { error, retryIn } = lines.find(({ type }) => type === 'disconnected')!
    assert.match(error!, /has ended the stream|the connection was cut/)
    assert.ok(retryIn! > 0)
  })

  it('--once prints the table and ends', async () => {
    payments.isolate('maintenance')
    const { code, out, err } = await recloser('watch', program.url, '--once')
    assert.deepEqual([code, err], [0, ''])
    const lines = out.split('\n')
    assert.match(lines[0]!, /^breaker +state +left +errors +calls\/s +p50 +p99 +reason +last transition$/)
    assert.match(lines[1]!, /^payments +■ isolated +held .* maintenance +closed → isolated, /)
    assert.match(lines[2]!, /^stock +● closed /)
    assert.equal(lines[4], '2 breakers: 1 isolated, 1 closed')
  })

  it('--once --json prints the snapshot', async () => {
    const { code, out } = await recloser('watch', program.url, '--once', '--json')
    assert.equal(code, 0)
    const [line, ...more] = parseLines(out)
    assert.deepEqual([line!.type, line!.data.breakers!.length, more.length], ['snapshot', 2, 0])
  })

  it('uses COLUMNS as the width if there is no terminal', async () => {
    const once = new Running(['watch', program.url, '--once'], { COLUMNS: '30' })
    assert.equal(await once.end(), 0)
    for (const line of once.out.split('\n')) assert.ok(line.length <= 40, line)
    assert.match(once.out, /^breaker {3}state/)
  })

  it('prints colors if they are forced, unless NO_COLOR is set', async () => {
    const forced = new Running(['watch', program.url, '--once'], { FORCE_COLOR: '1' })
    const refused = new Running(['watch', program.url, '--once'], { FORCE_COLOR: '1', NO_COLOR: '1' })
    assert.deepEqual([await forced.end(), await refused.end()], [0, 0])
    assert.ok(forced.out.includes('\u001B[32m● closed'))
    assert.ok(!refused.out.includes('\u001B'))
  })

  it('ends quietly with 0 when its output is no longer read', async () => {
    const watching = watch('--json')
    await watching.until(/\n/)
    watching.child.stdout!.destroy()
    await once(watching.child.stdout!, 'close')
    assert.equal(await watching.end(), 0)
    assert.equal(watching.err, '')
  })
})
