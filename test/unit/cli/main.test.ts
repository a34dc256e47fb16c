import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { describe, it } from 'node:test'
import { commands, main } from '../../../src/cli/main.ts'
import { ExitCode } from '../../../src/cli/base/command.ts'
import { wantsColor } from '../../../src/cli/base/io.ts'
import { fakeIo } from './fake-io.ts'

interface Ended {
  readonly code: ExitCode
  readonly out: string
  readonly err: string
}

async function run(...args: readonly string[]): Promise<Ended> {
  const io = fakeIo()
  const code = await main(args, io)
  return { code, out: io.out.text, err: io.err.text }
}

describe('the command line', () => {
  it('prints its version', async () => {
    const { version } = JSON.parse(
      readFileSync(new URL('../../../package.json', import.meta.url), 'utf8'),
    ) as {
      version: string
    }
    for (const flag of ['--version', '-v']) {
      assert.deepEqual(await run(flag), { code: ExitCode.DONE, out: `${version}\n`, err: '' })
    }
  })

  it('lists every command and the exit codes', async () => {
    const { code, out, err } = await run('--help')
    assert.equal(code, ExitCode.DONE)
    assert.equal(err, '')
    for (const { name, summary } of commands) {
      assert.ok(out.includes(`  ${name}`), name)
      assert.ok(out.includes(summary), name)
    }
    assert.match(out, /0 {2}done\n.*1 {2}the server refused or cannot be reached\n.*2 {2}wrong usage/)
  })

  it('explains each command: its options, valid examples and the exit codes', async () => {
    for (const { name, options } of commands) {
      const { code, out } = await run(...name.split(' '), '--help')
      assert.equal(code, ExitCode.DONE)
      for (const option of ['help', ...Object.keys(options)])
        assert.ok(out.includes(`--${option}`), `${name} ${option}`)
      assert.ok(out.includes(`\n  recloser ${name}`), name)
      assert.ok(out.includes('2  wrong usage'), name)
      assert.deepEqual(await run('help', ...name.split(' ')), { code, out, err: '' })
    }
  })

  it('keeps its help within 110 columns', async () => {
    for (const args of [[], ...commands.map(({ name }) => name.split(' '))]) {
      const { out } = await run('help', ...args)
      for (const line of out.split('\n')) assert.ok(line.length <= 110, line)
    }
  })

  it('has nothing to do without a command', async () => {
    const { code, out, err } = await run()
    assert.equal(code, ExitCode.USAGE)
    assert.equal(out, '')
    assert.match(err, /Usage: recloser COMMAND/)
  })

  for (const [args, message] of [
    [['wach'], /There is no command 'wach'\. Did you mean watch\?\n`recloser --help` lists all commands\./],
    [['restart'], /There is no command 'restart'\. There are demo, watch, /],
    [['--json'], /Unknown option '--json'\. Options of a command follow its name\./],
    [['--versoin'], /Unknown option '--versoin'\. Did you mean --version\?/],
    [
      ['watch'],
      /URL is missing: recloser watch URL\n`recloser watch --help` lists its arguments and options\./,
    ],
    [['isolate', 'http://localhost/', '--reason', 'x'], /NAME is missing/],
    [['open', 'http://localhost/', 'x', '--for', 'soon'], /Expected --for to be milliseconds/],
    [['close', 'http://localhost/', 'x', '--for', '5m'], /Unknown option '--for'/],
    [['demo', '--port', 'http'], /Expected --port to be a whole number/],
    [['demo', '--for', '0'], /Expected --for to be a whole number from 1/],
    [['help', 'me'], /There is no command 'me'/],
    [['fleet', 'islate', 'x'], /There is no command 'fleet islate'\. Did you mean fleet isolate\?/],
    [['help', 'fleet', 'me'], /There is no command 'fleet me'\. /],
    [
      ['fleet'],
      /--redis is missing: --redis redis:\/\/host:6379, or the variable REDIS_URL\n`recloser fleet --help`/,
    ],
    [
      ['fleet', '--redis', 'localhost'],
      /Expected the URL to begin with redis:\/\/ or rediss:\/\/, got 'localhost'/,
    ],
    [['fleet', 'isolate', '--redis', 'redis://h'], /NAME is missing: recloser fleet isolate NAME/],
    [['fleet', 'open', 'x', '--redis', 'redis://h'], /--for is missing: --for 30s/],
    [
      ['fleet', 'open', 'x', '--redis', 'redis://h', '--for', '25h'],
      /Expected --for to be at most 24h, got '25h'/,
    ],
  ] as const) {
    it(`refuses: ${args.map((arg) => arg.slice(0, 20)).join(' ')}`, async () => {
      const { code, out, err } = await run(...args)
      assert.equal(code, ExitCode.USAGE)
      assert.equal(out, '')
      assert.match(err, message)
    })
  }
})

describe('colors', () => {
  for (const [isTerminal, env, wanted] of [
    [true, {}, true],
    [false, {}, false],
    [true, { NO_COLOR: '1' }, false],
    [true, { NO_COLOR: '' }, true],
    [true, { TERM: 'dumb' }, false],
    [false, { FORCE_COLOR: '1' }, true],
    [true, { FORCE_COLOR: '0' }, false],
    [true, { FORCE_COLOR: '1', NO_COLOR: '1' }, false],
  ] as const) {
    const where = `${isTerminal ? 'on a terminal' : 'piped'} with ${JSON.stringify(env)}`
    it(`are ${wanted ? '' : 'not '}wanted ${where}`, () => assert.equal(wantsColor(isTerminal, env), wanted))
  }
})
