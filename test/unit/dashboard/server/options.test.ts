import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { createDashboard } from '../../../../src/dashboard/server/index.ts'
import { CircuitBreakerMonitor } from '../../../../src/monitor/index.ts'
import { notFunctions, notOptionObjects, positiveInteger, table } from '../../../helpers/bad-values.ts'
import { refused } from '../../../helpers/refusal.ts'

const create =
  (options: object): (() => unknown) =>
  () =>
    createDashboard(new CircuitBreakerMonitor(), options)

describe('the options of a dashboard', () => {
  table('authorize', notFunctions, (authorize, kind, got) =>
    refused(create({ authorize }), kind, '`authorize` to be a function', got),
  )
  for (const name of ['maxStreams', 'maxBacklog']) {
    table(name, positiveInteger, (value, kind, got) =>
      refused(create({ [name]: value }), kind, `\`${name}\` to be a positive integer`, got),
    )
  }
  table('options', notOptionObjects, (options, kind, got) =>
    refused(create(options), kind, '`dashboard options` to be an object', got),
  )

  for (const path of ['', 'ops', './ops', '//evil.example', '/ops?x', '/ops#x', '/o\\ps', 5, null, {}]) {
    it(`path is refused: ${JSON.stringify(path)}`, () =>
      refused(
        create({ path }),
        TypeError,
        "`path` to be a path that begins with a slash, such as '/ops', got",
      ))
  }

  it('have only known names', () => {
    refused(create({ allow: () => true }), TypeError, '`allow`', 'authorize, path, maxStreams, maxBacklog')
    refused(create({ autorize: () => true }), TypeError, '`autorize`: did you mean `authorize`?')
  })

  it('may be undefined, which is the same as left out', () => {
    const nothing = { authorize: undefined, path: undefined, maxStreams: undefined, maxBacklog: undefined }
    assert.equal(typeof create(nothing)(), 'object')
  })
})

describe('the monitor of a dashboard', () => {
  for (const [title, monitor] of Object.entries({
    nothing: undefined,
    null: null,
    'an empty object': {},
    'a class': CircuitBreakerMonitor,
  })) {
    it(`is not ${title}`, () => {
      const create = (): unknown => createDashboard(monitor as CircuitBreakerMonitor)
      refused(create, TypeError, '`monitor` to be a CircuitBreakerMonitor')
    })
  }
})
