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
 * Reads `1500`, `1500ms`, `30s`, `5m` or `1.5h` as milliseconds.
 *
 * @throws {UsageError} for anything else.
 */
export function readDuration(option: string, text: string): number {
  const [, number, unit] = /^(\d+(?:\.\d+)?|\.\d+)\s*([a-z]*)$/i.exec(text.trim()) ?? []
  const size = Object.hasOwn(UNITS, unit ?? '?') ? UNITS[unit!] : undefined
  const ms = Number(number) * (size ?? NaN)
  if (Number.isFinite(ms)) return ms
  throw new UsageError(
    `Expected ${option} to be milliseconds or a duration such as 30s, 5m or 1h, got ${quote(text)}`,
  )
}

/**
 * Reads a whole number.
 *
 * @throws {UsageError} for anything else.
 */
export function readInteger(option: string, text: string, least: number, most: number): number {
  const number = /^\d+$/.test(text) ? Number(text) : NaN
  if (number >= least && number <= most) return number
  throw new UsageError(`Expected ${option} to be a whole number from ${least} to ${most}, got ${quote(text)}`)
}
