import { UsageError } from './command.ts'
import { quote } from './text.ts'

const UNITS: Readonly<Record<string, number>> = {
  '': 1,
  ms: 1,
  s: 1_000,
  m: 60_000,
  min: 60_000,
  h: 3_600_000,
}

/**
 * Parses `1500`, `1500ms`, `30s`, `5m` or `1.5h`. Returns milliseconds.
 *
 * @throws {UsageError} when the text is anything else.
 */
export function readDuration(option: string, text: string): number {
  const [, number, unit] = /^(\d+(?:\.\d+)?|\.\d+)\s*([a-z]*)$/i.exec(text.trim()) ?? []
  if (unit !== undefined && Object.hasOwn(UNITS, unit)) {
    const ms = Number(number) * UNITS[unit]!
    if (ms < Infinity) return ms
  }
  throw new UsageError(
    `Expected ${option} to be milliseconds or a duration such as 30s, 5m or 1h, got ${quote(text)}`,
  )
}

/**
 * Parses a whole number from `least` to `most`.
 *
 * @throws {UsageError} when the text is anything else.
 */
export function readInteger(option: string, text: string, least: number, most: number): number {
  const number = Number(text)
  if (/^\d+$/.test(text) && number >= least && number <= most) return number
  throw new UsageError(`Expected ${option} to be a whole number from ${least} to ${most}, got ${quote(text)}`)
}
