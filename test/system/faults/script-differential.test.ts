import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import * as fc from 'fast-check'
import { sender } from '../../../src/testing/storage-kit/commands.ts'
import { START } from '../../../src/testing/storage-kit/target.ts'
import { seeded } from '../../../src/testing/storage-kit/random.ts'
import { Traffic } from '../../../src/testing/storage-kit/traffic.ts'
import type { StorageCommand } from '../../../src/storage/contract/commands.ts'
import { blankRecord } from '../../../src/storage/reducer/record.ts'
import { REPLIES } from '../../../src/storage/contract/operations.ts'
import { toFields } from '../../../src/storage/redis/fields.ts'
import { toArguments } from '../../../src/storage/redis/protocol.ts'
import { parameters } from '../../unit/model/parameters.ts'
import { startRedis, type RedisServer } from './support/redis-server.ts'
import { connect, keyOf, type Client } from './support/script-storage.ts'
import { Twin } from './support/twin.ts'

const sequence = fc.record({ seed: fc.integer(), steps: fc.integer({ min: 1, max: 80 }) })

/** Plays random traffic and returns the time at its end. */
function play(twin: Twin, { seed, steps }: { readonly seed: number; readonly steps: number }): number {
  const traffic = new Traffic(seeded(seed))
  let now = START
  for (let step = 0; step < steps; step++) {
    const { after, command } = traffic.next()
    now += after
    if (command) traffic.learn(twin.send(command, now))
    else twin.forget()
  }
  return now
}

// Values that must be refused in place of an integer, a word or a choice.
const notACount = fc.constantFrom<unknown>(
  -1,
  1.5,
  NaN,
  Infinity,
  1e15,
  1e21,
  -0.5,
  '',
  'x',
  '1 2',
  null,
  true,
)
const notAWord = fc.constantFrom<unknown>('', 'two words', 'x'.repeat(33), 'ü', 'a;b', 'a,b', '\0')

// Values to put into a hash, most of them invalid in most places.
const garbage = fc.oneof(
  fc.constantFrom(
    '',
    ' ',
    '-',
    '-1',
    '1.5',
    '1e3',
    '0x10',
    '9'.repeat(15),
    '9'.repeat(16),
    ' 1',
    '1;',
    'nan',
    '007',
  ),
  fc.constantFrom(
    'closed',
    'half-open',
    'ajar',
    'host-1',
    'x'.repeat(32),
    'x'.repeat(33),
    'a b',
    'a,b',
    'é',
    '\0',
    '\n',
  ),
  fc.constantFrom(
    'é'.repeat(32),
    'é'.repeat(33),
    'é'.repeat(128),
    'é'.repeat(129),
    'a=1',
    '%',
    '1 closed',
    '3 closed',
  ),
  fc.constantFrom(
    '10000:10:0',
    '10000:10:0 10000:10:0',
    '1:1:1 2:2:2 3:3:3 4:4:4',
    '1:1:1 2:2:2 3:3:3 4:4:4 5:5:5',
  ),
  fc.constantFrom(
    '1,a',
    `1,${'x'.repeat(33)}`,
    '1,a,b,c,d,e,f,g,h',
    '1,a,b,c,d,e,f,g,h,i',
    '0,a',
    'n,1,2,h,3',
    'n,1,2,h,3;n,1,2,h,3',
    'a,a',
  ),
  fc.nat().map(String),
)
/** A way to damage a hash: in which field, from which position on for how many characters, and by what. */
const damage = fc.record({
  field: fc.oneof(
    fc.nat(),
    fc.constantFrom('recloser', 'reason', 'actor', 'run', 'leases', 'ended', '10000:10:0', 'ring', 'state'),
  ),
  part: fc.constantFrom('all', 'value', 'some'),
  at: fc.nat(),
  length: fc.nat({ max: 3 }),
  value: fc.option(garbage, { nil: undefined, freq: 10 }),
})

/** Returns the fields with some of them replaced; without those whose value is `undefined`. */
function applyDamage(
  fields: Readonly<Record<string, string>>,
  { field, part, at, length, value }: typeof damage extends fc.Arbitrary<infer T> ? T : never,
): Record<string, string> {
  const names = Object.keys(fields)
  const name = typeof field === 'string' ? field : (names[field % Math.max(1, names.length)] ?? 'recloser')
  const { [name]: text = '', ...others } = fields
  if (value === undefined) return others
  if (part === 'all') return { ...others, [name]: value }
  if (part === 'some') {
    const characters = Array.from(text)
    characters.splice(at % (characters.length + 1), length, value)
    return { ...others, [name]: characters.join('') }
  }
  let n = 0
  const values = text.match(/=[^ ]*/g)?.length ?? 0
  const replaced = text.replace(/=[^ ]*/g, (found) => (n++ === at % values ? `=${value}` : found))
  return { ...others, [name]: replaced }
}

/** Returns the command with one invalid leaf. */
function spoil(command: StorageCommand, pick: number, count: unknown, word: unknown): StorageCommand {
  const spoilt = structuredClone(command)
  const leaves: (() => void)[] = []
  const visit = (node: Record<string, unknown>): void => {
    for (const [name, value] of Object.entries(node)) {
      if (name === 'type') continue
      if (name === 'reason') leaves.push(() => void (node[name] = 'é'.repeat(129)))
      else if (name === 'by') leaves.push(() => void (node[name] = word === '' ? 'two words' : word))
      else if (typeof value === 'number') leaves.push(() => void (node[name] = count))
      else if (typeof value === 'string') leaves.push(() => void (node[name] = word))
      else if (value !== null) visit(value as Record<string, unknown>)
    }
  }
  visit(spoilt as unknown as Record<string, unknown>)
  leaves[pick % leaves.length]!()
  return spoilt
}

describe('the script and the specification', () => {
  let server: RedisServer
  let client: Client
  let sha: string

  before(async () => {
    server = await startRedis()
    client = await connect(server.url)
    sha = await Twin.load(client)
  })

  after(async () => {
    client.destroy()
    await server.stop()
  })

  it('behave the same for random commands, with loss of data and clocks that step', async () => {
    let commands = 0
    await fc.assert(
      fc.asyncProperty(sequence, async (given) => {
        const twin = new Twin(client, sha)
        play(twin, given)
        await twin.compare()
        commands += twin.commands
      }),
      parameters,
    )
    assert.ok(commands >= 20 * parameters.numRuns, `only ${commands} commands`)
  })

  it('refuse the same malformed commands, for the same field', () =>
    fc.assert(
      fc.asyncProperty(
        sequence,
        fc.array(fc.tuple(fc.integer(), fc.nat(), notACount, notAWord), { minLength: 10, maxLength: 10 }),
        async (given, wrongs) => {
          const twin = new Twin(client, sha)
          const now = play(twin, { ...given, steps: 5 })
          for (const [seed, pick, count, word] of wrongs) {
            const { command } = new Traffic(seeded(seed)).next()
            if (!command) continue
            const { ifEpoch } = command as { ifEpoch?: unknown }
            const wrong = spoil(command, pick, count, word)
            // An empty or null condition means no condition, and a change without an end carries no length.
            if (ifEpoch !== (wrong as { ifEpoch?: unknown }).ifEpoch && (count === '' || count === null))
              continue
            twin.send(wrong, now)
          }
          await twin.compare()
        },
      ),
      parameters,
    ))

  it('F22, F22b: the script refuses any arguments that are not a command, and answers with their token', () =>
    fc.assert(
      fc.asyncProperty(
        fc.integer(),
        fc.array(damage, { minLength: 1, maxLength: 3 }),
        async (seed, damages) => {
          const { command } = new Traffic(seeded(seed)).next()
          if (!command) return
          const valid = toArguments({ channel: 'c', name: 'n' }, command, 'token')
          const { 0: token = '', ...given } = Object.fromEntries(valid.entries())
          const damaged = { ...damages.reduce(applyDamage, given), 0: token }
          const call = { keys: [keyOf('any')], arguments: Object.values(damaged) }
          const [answered, type] = (await client.evalSha(sha, call)) as string[]
          assert.equal(answered, 'token')
          assert.ok(
            Object.values(REPLIES).some((types) => types.some((each) => each === type)),
            type,
          )
        },
      ),
      parameters,
    ))

  it('F16: answer the same for hashes that hold garbage, and write none that is unusable', () =>
    fc.assert(
      fc.asyncProperty(sequence, fc.array(damage, { minLength: 1, maxLength: 3 }), async (given, damages) => {
        const twin = new Twin(client, sha)
        let now = play(twin, given)
        twin.plant(damages.reduce(applyDamage, twin.fields))
        const traffic = new Traffic(seeded(given.seed + 1))
        for (let step = 0; step < 5; step++) {
          const { after, command } = traffic.next()
          now += after
          if (command) traffic.learn(twin.send(command, now))
        }
        await twin.compare()
      }),
      parameters,
    ))

  it('F13: treat an invalid ring or bucket as an empty one', () =>
    fc.assert(
      fc.asyncProperty(
        fc.string({ unit: fc.constantFrom('0', '1', ';', ':', ',', 'a', ' ', '\n') }),
        fc.boolean(),
        async (text, headed) => {
          const twin = new Twin(client, sha)
          const { recloser = '' } = toFields(blankRecord(START))
          const newest = Math.floor(START / 1_000)
          const ring = headed ? `0:${newest - 1};${text}` : text
          twin.plant({ recloser: `${recloser}10000:10:0 1:1:1`, '10000:10:0': ring, '1:1:1': text })
          const traffic = new Traffic(seeded(text.length))
          for (let step = 0; step < 20; step++) {
            const { command } = traffic.next()
            if (command?.type === 'exchange')
              twin.send({ ...command, epoch: 0, sender: FRESH }, START + 200 * step)
          }
          await twin.compare()
        },
      ),
      parameters,
    ))
})

const FRESH = sender('fresh')
