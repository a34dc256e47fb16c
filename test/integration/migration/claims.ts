import assert from 'node:assert/strict'
import { afterEach, beforeEach, describe, it } from 'node:test'
import { install, type Clock } from '@sinonjs/fake-timers'
import { CircuitBreaker, type CircuitBreakerOptions } from '../../../src/index.ts'
import { nextTick } from '../../helpers/next-tick.ts'
import { readRows, type Peer } from './tables.ts'

/** For each sentence of the tables, what shows that it is true, of both libraries. */
export type Claims = Readonly<Record<string, () => unknown>>

let time: Clock

/** Tests each sentence of the tables about a library, in virtual time. A sentence without a test fails. */
export function testClaims(peer: Peer, claims: Claims): void {
  const rows = readRows(peer)
  describe(`docs/migration.md says of ${peer}`, () => {
    beforeEach(() => {
      time = install({
        now: Date.UTC(2026, 0, 1),
        toFake: ['setTimeout', 'clearTimeout', 'setInterval', 'clearInterval', 'Date', 'performance'],
      })
    })
    afterEach(() => time.uninstall())

    for (const { line, names, changes } of rows) {
      for (const sentence of changes) {
        it(`${names.join(', ')}: ${sentence}`, async () => {
          const claim = claims[sentence]
          assert.ok(claim, `docs/migration.md:${line} claims a difference that no test shows`)
          await claim()
        })
      }
    }
  })

  it(`each test about ${peer} belongs to a sentence in docs/migration.md`, () => {
    const stated = new Set(rows.flatMap(({ changes }) => changes))
    assert.deepEqual(
      Object.keys(claims).filter((sentence) => !stated.has(sentence)),
      [],
    )
  })
}

/** Advances virtual time, and settles what is due. */
export async function pass(ms: number): Promise<void> {
  await time.tickAsync(ms)
  await nextTick()
}

/** The number of timers that have been started and not stopped. */
export const timers = (): number => time.countTimers()

/** Sets the wall clock only: no time passes. */
export const setWallClock = (by: number): void => time.setSystemTime(Date.now() + by)

/** A breaker that lives in virtual time. */
export function ours(options: CircuitBreakerOptions = {}): CircuitBreaker {
  return new CircuitBreaker({ clock: { now: () => performance.now() }, ...options })
}

export const works = async (): Promise<string> => 'fine'
export const fails = async (): Promise<never> => Promise.reject(new Error('down'))
export const hangs = (): Promise<never> => new Promise(() => {})

/** Makes calls one after the other, whatever their results. */
export async function times(count: number, call: () => Promise<unknown>): Promise<void> {
  for (let n = 0; n < count; n++) await call().catch(() => {})
}

/** The error with which a call rejects. */
export async function errorOf(call: Promise<unknown>): Promise<Error & Record<string, unknown>> {
  try {
    await call
  } catch (error) {
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- tests look at fields that a library may add
    return error as Error & Record<string, unknown>
  }
  throw new Error('Expected the call to reject')
}

/** Makes `count` calls with random results, and returns the number of the call that opened the circuit. */
export async function opensAt(
  count: number,
  random: () => number,
  call: (task: () => Promise<unknown>) => Promise<unknown>,
  isOpen: () => boolean,
): Promise<number | undefined> {
  for (let n = 1; n <= count; n++) {
    await call(random() < 0.5 ? fails : works).catch(() => {})
    if (isOpen()) return n
  }
  return undefined
}
