import assert from 'node:assert/strict'
import { request } from 'node:http'
import { afterEach, describe, it } from 'node:test'
import type { PanelChange, PanelState } from '../../../src/cli/demo/server.ts'
import { serve } from '../../helpers/server.ts'
import { recloser, Running } from './cli-world.ts'

describe('recloser demo', () => {
  let demo: Running | undefined

  afterEach(async () => {
    if (demo?.child.exitCode === null) await demo.end('SIGKILL')
    demo = undefined
  })

  async function start(
    ...args: readonly string[]
  ): Promise<{ readonly running: Running; readonly url: string }> {
    const running = (demo = new Running(['demo', ...args]))
    await running.until(/The demo is at (\S+\/) /)
    return { running, url: /at (\S+\/) /.exec(running.out)![1]! }
  }

  async function change(url: string, change: PanelChange): Promise<PanelState> {
    const headers = { 'content-type': 'application/json', 'x-recloser': 'demo' }
    const response = await fetch(`${url}set`, { method: 'POST', headers, body: JSON.stringify(change) })
    assert.equal(response.status, 200)
    return (await response.json()) as PanelState
  }

  it('ends by itself with --for, and prints a summary', async () => {
    const { code, out, err } = await recloser('demo', '--for', '1')
    assert.deepEqual([code, err], [0, ''])
    const [, calls, answered, failed, rejected] =
      /(\d+) calls in 1\.\d s, 0 changes of state:\n {2}(\d+) answered, (\d+) failed, (\d+) rejected/
        .exec(out)!
        .map(Number)
    assert.ok(calls! > 10)
    assert.deepEqual([answered, failed, rejected], [calls, 0, 0])
  })

  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    it(`ends with 0 and a summary on ${signal}, even while calls hang`, async () => {
      const { running, url } = await start()
      await change(url, { fault: 'hang' })
      await fetch(`${url}dashboard/events`)
      assert.equal(await running.end(signal), 0)
      assert.match(running.out, /answered, \d+ failed, \d+ rejected without asking the service\.\n$/)
      assert.equal(running.err, '')
    })
  }

  it('has a service that fails on demand, with breakers that open and recover', async () => {
    const { running, url } = await start()
    const state = await change(url, { fault: 'fail', dependency: 'prices', rate: 200 })
    assert.equal(state.rate, 200)
    assert.deepEqual(
      state.dependencies.filter(({ fault }) => fault === 'fail').map(({ name }) => name),
      ['prices'],
    )
    await running.until(/prices: closed → ✖ open \(consecutiveFailures\)/)
    const watched = await recloser('watch', `${url}dashboard`, '--once')
    assert.match(watched.out, /^prices +✖ open .*consecutiveFailures: HTTP 503/m)
    await change(url, { fault: 'none' })
    assert.equal((await recloser('close', `${url}dashboard`, 'prices', '--reason', 'fixed')).code, 0)
    await running.until(/prices: \S+ → ● closed \(fixed\)/)
    const { dependencies } = (await (await fetch(`${url}state`)).json()) as PanelState
    const { tally } = dependencies.find(({ name }) => name === 'prices')!
    assert.ok(tally.failed >= 5, `${tally.failed} failed`)
    assert.ok(dependencies.every(({ fault }) => fault === 'none'))
  })

  it('has parts that slow down and hang, and a breaker that observes and rejects nothing', async () => {
    const { running, url } = await start()
    await change(url, { fault: 'slow', dependency: 'search', rate: 300 })
    await change(url, { fault: 'hang', dependency: 'stock' })
    await change(url, { fault: 'fail', dependency: 'reviews' })
    await running.until(/search: closed → ✖ open \(slowCallRate\)/)
    await running.until(/stock: closed → ✖ open/)
    const { dependencies } = (await (await fetch(`${url}state`)).json()) as PanelState
    const reviews = dependencies.find(({ name }) => name === 'reviews')!.tally
    assert.ok(reviews.failed > 5)
    assert.equal(reviews.rejected, 0)
  })

  it('serves a page without inline script, under a strict policy', async () => {
    const { url } = await start()
    const page = await fetch(url)
    const policy = page.headers.get('content-security-policy')!
    assert.match(policy, /^default-src 'none'; script-src 'self'; style-src 'self';/)
    assert.doesNotMatch(policy, /unsafe/)
    const html = await page.text()
    assert.doesNotMatch(html, /<script(?![^>]*src=)|<style|style=|onclick/)
    for (const [, path] of html.matchAll(/(?:src|href)="((?!data:)[^"]+)"/g)) {
      const part = await fetch(`${url}${path!}`)
      assert.equal(part.status, 200, path)
      assert.ok((await part.text()).length > 100, path)
    }
    assert.doesNotMatch(await (await fetch(`${url}panel.js`)).text(), /sourceMappingURL/)
  })

  it('listens on loopback, and accepts only its own host name and its own page', async () => {
    const { url } = await start()
    const ask = (path: string, method: string, headers: Record<string, string>, body = ''): Promise<number> =>
      new Promise((resolve, reject) => {
        const asked = request(`${url}${path}`, { method, headers }, (answer) => {
          answer.resume()
          resolve(answer.statusCode!)
        })
        asked.on('error', reject).end(body)
      })
    const json = { 'content-type': 'application/json' }
    const panel = { ...json, 'x-recloser': 'demo' }
    const slow = '{"fault":"slow"}'
    assert.equal(await ask('', 'GET', { host: 'evil.example' }), 403)
    assert.equal(await ask('dashboard/snapshot', 'GET', { host: 'evil.example' }), 403)
    assert.equal(await ask('set', 'POST', json, slow), 403)
    assert.equal(await ask('set', 'POST', { 'x-recloser': 'demo', 'content-type': 'text/plain' }, slow), 403)
    for (const body of [
      '',
      '{',
      '[]',
      '"slow"',
      '{"fault":"sad"}',
      '{"rate":-1}',
      '{"rate":"5"}',
      '{"rate":1e9}',
    ]) {
      assert.equal(await ask('set', 'POST', panel, body), 400, body)
    }
    assert.equal(await ask('set', 'POST', panel, '{"dependency":"x","fault":"slow"}'), 400)
    assert.equal(await ask('set', 'POST', panel, `{"a":"${'x'.repeat(2_000)}"}`), 400)
    assert.equal(await ask('nothing', 'GET', {}), 404)
    const { dependencies } = (await (await fetch(`${url}state`)).json()) as PanelState
    assert.ok(dependencies.every(({ fault }) => fault === 'none'))
  })

  it('uses the given port, or reports that it cannot', async () => {
    const taken = await serve(() => {})
    const { code, out, err } = await recloser('demo', '--port', String(taken.port))
    await taken.stop()
    assert.deepEqual([code, out], [1, ''])
    assert.match(err, /Cannot listen on port \d+: it is in use\.\nChoose another with --port/)
    const { url } = await start('--port', String(taken.port))
    assert.equal(new URL(url).port, String(taken.port))
  })
})
