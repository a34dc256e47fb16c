import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { readArguments } from '../../../../src/cli/base/args.ts'
import { readAddress, showUrl } from '../../../../src/cli/client/address.ts'
import { UsageError, type Command, type Input } from '../../../../src/cli/base/command.ts'
import { commands } from '../../../../src/cli/main.ts'
import { readDuration, readInteger } from '../../../../src/cli/base/duration.ts'

const find = (name: string): Command => commands.find((command) => command.name === name)!
const open = (...args: readonly string[]): Input => readArguments(find('open'), args)
const url = 'http://127.0.0.1:3000/breakers'

function assertRefused(work: () => unknown, message: RegExp): void {
  assert.throws(work, (error) => {
    assert.ok(error instanceof UsageError)
    assert.match(error.message, message)
    return true
  })
}

describe('the arguments of a command', () => {
  it('may stand in any order', () => {
    const input = open('--for', '5m', url, '--json', 'payments', '--reason=--later--')
    assert.deepEqual(input.positionals, [url, 'payments'])
    assert.equal(input.text('for'), '5m')
    assert.equal(input.text('reason'), '--later--')
    assert.equal(input.flag('json'), true)
  })

  it('can repeat an option that allows it', () => {
    const input = open(url, 'payments', '--header', 'a: 1', '--header', 'b: 2')
    assert.deepEqual(input.texts('header'), ['a: 1', 'b: 2'])
  })

  it('may start with a dash after --', () => {
    assert.deepEqual(open(url, '--', '--payments').positionals, [url, '--payments'])
  })

  it('need not be complete when only help is requested', () => {
    assert.equal(open('-h').flag('help'), true)
  })

  for (const [title, args, message] of [
    ['an unknown option', [url, 'x', '--resaon', 'y'], /Unknown option '--resaon'\. Did you mean --reason\?/],
    ['an unknown short option', [url, 'x', '-q'], /Unknown option '-q'/],
    ['the name of a property of every object', [url, 'x', '--constructor'], /Unknown option '--constructor'/],
    ['an option without its value', [url, 'x', '--reason'], /--reason needs a value: --reason TEXT/],
    ['an option in the place of a value', [url, 'x', '--reason', '--json'], /--reason=--json/],
    ['a flag with a value', [url, 'x', '--json=yes'], /--json takes no value; got 'yes'/],
    ['an option given twice', [url, 'x', '--for', '1', '--for', '2'], /--for was given more than once/],
    ['too little', [url], /NAME is missing: recloser open URL NAME/],
    ['too much', [url, 'x', 'y'], /Unexpected argument 'y'/],
    ['an escape sequence', [url, 'x', '--\u001B[2J'], /Unknown option '--\\u001b\[2J'/],
  ] as const) {
    it(`refuse ${title}`, () => assertRefused(() => open(...args), message))
  }
})

describe('durations', () => {
  for (const [text, ms] of [
    ['1500', 1_500],
    ['0', 0],
    ['20ms', 20],
    ['30s', 30_000],
    ['1.5m', 90_000],
    ['5 min', 300_000],
    ['1h', 3_600_000],
  ] as const) {
    it(`${text} is ${ms} ms`, () => assert.equal(readDuration('--for', text), ms))
  }

  for (const text of [
    '',
    'x',
    '-1',
    '5q',
    '5 minutes',
    'Infinity',
    '1e400',
    '1,5s',
    'constructor',
    '1constructor',
  ]) {
    it(`'${text}' is not one`, () =>
      assertRefused(() => readDuration('--for', text), /Expected --for to be milliseconds/))
  }

  it('the value of a numeric option is checked too', () => {
    assert.equal(readInteger('--port', '65535', 0, 65_535), 65_535)
    for (const text of ['', '-1', '1.5', '65536', '0x10', 'NaN']) {
      assertRefused(
        () => readInteger('--port', text, 0, 65_535),
        /Expected --port to be a whole number from 0 to 65535/,
      )
    }
  })
})

describe('the address of a dashboard', () => {
  const read = (given: string, ...headers: readonly string[]): ReturnType<typeof readAddress> =>
    readAddress(open(given, 'payments', ...headers.flatMap((header) => ['--header', header])))

  it('ends with a slash and keeps its query', () => {
    assert.equal(read('http://host/breakers').url.href, 'http://host/breakers/')
    assert.equal(read('https://host?tenant=a#top').url.href, 'https://host/?tenant=a')
  })

  it('takes headers, also several of one name', () => {
    const { headers } = read(url, 'Authorization: Bearer a:b', 'X-Team:  one', 'x-team: two')
    assert.equal(headers.get('authorization'), 'Bearer a:b')
    assert.equal(headers.get('x-team'), 'one, two')
  })

  it('turns credentials into a header and does not show them', () => {
    const { url, headers } = read('http://me:p%40ss@host/breakers')
    assert.equal(headers.get('authorization'), `Basic ${Buffer.from('me:p@ss').toString('base64')}`)
    assert.equal(showUrl(url), 'http://host/breakers/')
  })

  it('prefers a header to credentials', () => {
    assert.equal(
      read('http://me:pass@host/', 'authorization: Bearer x').headers.get('authorization'),
      'Bearer x',
    )
  })

  for (const [given, message] of [
    ['localhost:3000/breakers', /Did you mean http:\/\/localhost:3000\/breakers\?/],
    ['shop.example/breakers', /Did you mean http:\/\/shop.example\/breakers\?/],
    ['payments', /begin with http:\/\/ or https:\/\/, got 'payments'\.$/],
    ['ftp://host/', /begin with http/],
    ['', /begin with http/],
    ['http://', /Expected URL to be a URL/],
    ['http://host:99999/', /Expected URL to be a URL/],
    ['http://%ff%ff@host/', /invalid percent sign$/],
  ] as const) {
    it(`refuses '${given}'`, () => assertRefused(() => read(given), message))
  }

  it('refuses an invalid header, without repeating a secret', () => {
    assertRefused(() => read(url, 'Bearer secret'), /^(?!.*secret).*no colon/)
    assertRefused(() => read(url, 'x y: secret'), /^(?!.*secret).*'x y'/)
    assertRefused(() => read(url, 'x: sec\nret'), /^(?!.*sec).*'x'/s)
  })
})
