import assert from 'node:assert/strict'
import { after, before, beforeEach, describe, it } from 'node:test'
import type { CircuitBreaker } from '../../../src/index.ts'
import { serve, type TestServer } from '../../helpers/server.ts'
import { Program, recloser } from './cli-world.ts'

describe('recloser isolate, open, half-open and close', () => {
  let program: Program
  let payments: CircuitBreaker

  before(async () => {
    program = await new Program().start()
    payments = program.add('payments', { timeoutDuration: 20_000 })
    program.add('payments')
    program.add('reviews', { mode: 'observe' })
    program.add('<img onerror>\u001B[2J')
  })

  beforeEach(() => payments.close())

  after(() => program.stop())

  it('isolate isolates a breaker, and shows the reason to everyone', async () => {
    const { code, out, err } = await recloser(
      'isolate',
      program.url,
      'payments',
      '--reason',
      'maintenance until 14:00',
    )
    assert.deepEqual([code, out, err], [0, 'payments is ■ isolated now (maintenance until 14:00).\n', ''])
    assert.equal(payments.state, 'isolated')
    assert.equal(payments.snapshot().tripReason, 'maintenance until 14:00')
  })

  it('a repeated command is not an error', async () => {
    payments.isolate('maintenance')
    const { code, out } = await recloser('isolate', program.url, 'payments')
    assert.equal(code, 0)
    assert.match(out, /^payments is ■ isolated already/)
  })

  it('close admits calls again', async () => {
    payments.isolate()
    const { code, out } = await recloser('close', program.url, 'payments')
    assert.deepEqual([code, out, payments.state], [0, 'payments is ● closed now.\n', 'closed'])
  })

  it('half-open admits probes', async () => {
    payments.isolate()
    const { code, out } = await recloser('half-open', program.url, 'payments', '--reason', 'fixed')
    assert.equal(code, 0)
    assert.match(out, /^payments is ◐ half-open now/)
    assert.equal(payments.state, 'half-open')
  })

  it('open opens it for the given time', async () => {
    const { code, out } = await recloser(
      'open',
      program.url,
      'payments',
      '--for',
      '5m',
      '--reason',
      'deploying',
    )
    assert.equal(code, 0)
    assert.match(out, /^payments is ✖ open now \(deploying, (?:5 min 00|4 min 5\d) s left\)\.\n$/)
    assert.ok(payments.retryAfter > 290_000 && payments.retryAfter <= 300_000)
  })

  it('open opens it for as long as a trip would, if no time is given', async () => {
    assert.equal((await recloser('open', program.url, 'payments')).code, 0)
    assert.ok(payments.retryAfter > 10_000 && payments.retryAfter <= 20_000)
  })

  it('reaches the second of two breakers with one name', async () => {
    assert.equal((await recloser('isolate', program.url, 'payments (2)')).code, 0)
    assert.equal(payments.state, 'closed')
    assert.equal(program.monitor.report('payments (2)')!.state, 'isolated')
  })

  it('prints the result as JSON', async () => {
    const { code, out } = await recloser(
      'isolate',
      program.url,
      'payments',
      '--json',
      '--reason',
      'why "not"',
    )
    assert.equal(code, 0)
    const { changed, breaker } = JSON.parse(out) as {
      changed: boolean
      breaker: { id: string; state: string; reason: string }
    }
    assert.deepEqual(
      [changed, breaker.id, breaker.state, breaker.reason],
      [true, 'payments', 'isolated', 'why "not"'],
    )
  })

  it('fails when the mode prevents manual changes, so that the breaker is not believed to be isolated', async () => {
    const { code, out, err } = await recloser('isolate', program.url, 'reviews')
    assert.deepEqual([code, out], [1, ''])
    assert.match(err, /reviews is still closed: it is in mode observe/)
    assert.equal(program.monitor.report('reviews')!.state, 'closed')
  })

  it('finds no breaker of that name, and suggests similar ones', async () => {
    const { code, out, err } = await recloser('isolate', program.url, 'paymnets')
    assert.deepEqual([code, out], [1, ''])
    assert.match(err, /There is no breaker 'paymnets' at .*\nDid you mean 'payments'\?\n$/)
  })

  it('lists all names when none is similar, with control characters escaped', async () => {
    const { code, err } = await recloser('close', program.url, 'zzzzzz')
    assert.equal(code, 1)
    assert.match(err, /There are 'payments', 'payments \(2\)', 'reviews', '<img onerror>\\u001b\[2J'\.\n$/)
  })

  it('reports errors as JSON when JSON is requested', async () => {
    const { code, out, err } = await recloser('isolate', program.url, 'paymnets', '--json')
    assert.deepEqual([code, err], [1, ''])
    const { error, advice } = JSON.parse(out) as { error: string; advice: string }
    assert.match(error, /There is no breaker 'paymnets'/)
    assert.equal(advice, "Did you mean 'payments'?")
  })
})

describe('recloser and a dashboard that requires authentication', () => {
  let program: Program

  before(async () => {
    program = await new Program({
      authorize: (request) => request.headers.get('authorization') === 'Bearer secret',
    }).start()
    program.add('payments')
  })

  after(() => program.stop())

  it('is refused without the header, and reports what to pass', async () => {
    const { code, err } = await recloser('isolate', program.url, 'payments')
    assert.equal(code, 1)
    assert.match(err, /denies the request \(403.*\n.*--header.*read-only/)
    assert.equal(program.monitor.health, 'up')
  })

  it('is admitted with it', async () => {
    const header = ['--header', 'Authorization: Bearer secret']
    assert.equal((await recloser('isolate', program.url, 'payments', ...header)).code, 0)
    assert.equal(program.monitor.health, 'down')
  })
})

describe('recloser and a server that is not a dashboard', () => {
  const page = '<!doctype html><title>A shop</title>'
  const report = { id: 'x' }
  const answers: Readonly<Record<string, readonly [number, string, string | object, string?]>> = {
    '/html': [200, 'text/html', page],
    '/json': [200, 'application/json', { hello: 'world' }],
    '/broken': [200, 'application/json', '{'],
    '/shape': [200, 'application/json', { version: 1, takenAt: 1, health: 'up', breakers: [report] }],
    '/future': [200, 'application/json', { version: 2, breakers: [] }],
    '/nothing': [204, '', ''],
    '/missing': [404, 'text/html', page],
    '/login': [302, 'text/html', page, '/sign-in?secret=1'],
    '/who': [401, 'application/json', { error: 'No token\u001B[2J' }],
    '/busy': [503, 'application/json', { error: 'There are 100 streams already' }],
    '/fault': [500, 'text/html', page],
    '/odd': [418, 'text/plain', 'teapot'],
  }
  let server: TestServer

  before(async () => {
    server = await serve((request, response) => {
      const name = Object.keys(answers).find((each) => request.url!.startsWith(`${each}/`))
      const [status, type, body, location] = answers[name ?? '/missing']!
      response.writeHead(status, { 'content-type': type, ...(location && { location }) })
      response.end(typeof body === 'string' ? body : JSON.stringify(body))
    })
  })

  after(() => server.stop())

  for (const [path, message] of [
    ['html', /There is no recloser dashboard at .*: it answered with a page \(HTML\)\.\nGive the address/],
    ['json', /There is no recloser dashboard at .*: it answered with JSON of another shape\./],
    ['broken', /There is no recloser dashboard at .*: it answered with application\/json/],
    ['shape', /There is no recloser dashboard at .*: it answered with JSON of another shape\./],
    ['future', /speaks version 2, this command version 1\.\nUse the same version of recloser/],
    ['nothing', /There is no recloser dashboard at .*: it answered with something else\./],
    ['missing', /There is no recloser dashboard at .*: it answered with 404\./],
    ['login', /redirects to http:\/\/127\.0\.0\.1:\d+\/sign-in \(302\)\.\nGive the address that it leads to/],
    ['who', /requires authentication \(401: No token\\u001b\[2J\)\.\nPass --header 'Authorization/],
    ['busy', /is too busy \(503: There are 100 streams already\)\.\nTry again/],
    ['fault', /failed \(500\)\.\nSee its logs\./],
    ['odd', /refuses \(418\)\./],
  ] as const) {
    it(`reports it in every command: ${path}`, async () => {
      const url = `${server.url}${path}`
      for (const args of [
        ['isolate', url, 'payments'],
        ['watch', url, '--once'],
        ['watch', url],
      ]) {
        const { code, out, err } = await recloser(...args)
        assert.deepEqual([args, code, out], [args, 1, ''])
        // The stream of a newer dashboard is just an unknown response to this version.
        if (!(path === 'future' && args.length === 2)) assert.match(err, message)
      }
    })
  }
})

describe('recloser and an unreachable server', () => {
  it('reports that nothing listens', async () => {
    const { url, stop } = await serve(() => {})
    await stop()
    const { code, out, err } = await recloser('close', `${url}breakers`, 'payments')
    assert.deepEqual([code, out], [1, ''])
    assert.match(
      err,
      /Cannot reach http:\/\/127\.0\.0\.1:\d+\/breakers\/: nothing listens there\.\nIs the program running/,
    )
  })

  it('reports that the host name is unknown', async () => {
    const { code, err } = await recloser('watch', 'http://host.invalid/breakers')
    assert.equal(code, 1)
    assert.match(
      err,
      /Cannot reach http:\/\/host\.invalid\/breakers\/: the host name (?:is not known|cannot be looked up)/,
    )
  })

  it('reports that the server does not speak HTTP', async () => {
    const { url, stop } = await serve((request) => request.socket.end('SSH-2.0-OpenSSH_9.2\r\n'))
    const { code, err } = await recloser('watch', url)
    await stop()
    assert.equal(code, 1)
    assert.match(err, /Cannot reach .*: what answers does not speak HTTP\./)
  })

  it('reports that the server does not speak TLS', async () => {
    const { url, stop } = await serve(() => {})
    const { code, err } = await recloser('watch', url.replace('http:', 'https:'))
    await stop()
    assert.equal(code, 1)
    assert.match(err, /Cannot reach .*: what answers does not speak TLS\.\nIs it http:\/\//)
  })

  it('ends with 2 for wrong usage', async () => {
    const { code, out, err } = await recloser('isolate', 'localhost:3000', 'payments')
    assert.deepEqual([code, out], [2, ''])
    assert.match(err, /Did you mean http:\/\/localhost:3000\?/)
  })
})
