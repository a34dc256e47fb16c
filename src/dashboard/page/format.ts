/** A formatted number and its unit. */
export interface Quantity {
  readonly value: string
  readonly unit: string
}

const whole = new Intl.NumberFormat('en', { maximumFractionDigits: 0 })
const tenths = new Intl.NumberFormat('en', { maximumFractionDigits: 1 })
const compact = new Intl.NumberFormat('en', { notation: 'compact', maximumFractionDigits: 1 })
const timeOfDay = new Intl.DateTimeFormat(undefined, {
  hour: '2-digit',
  minute: '2-digit',
  second: '2-digit',
  hourCycle: 'h23',
})
const dayAndTime = new Intl.DateTimeFormat(undefined, { dateStyle: 'medium', timeStyle: 'medium' })

const NOTHING: Quantity = { value: '–', unit: '' }

/** Formats a number of calls, with all digits below ten thousand. */
export function count(calls: number): string {
  return calls < 10_000 ? whole.format(calls) : compact.format(calls)
}

/** Formats a number of calls per second. */
export function perSecond(calls: number): Quantity {
  return { value: calls < 9.95 ? tenths.format(calls) : count(calls), unit: '/s' }
}

/** Formats a ratio as a percentage. Only a ratio of 1 is shown as 100, and only a ratio of 0 as 0. */
export function percent(ratio: number | null): Quantity {
  if (ratio === null) return NOTHING
  const value = ratio * 100
  if (value > 0 && value < 0.1) return { value: '<0.1', unit: '%' }
  return { value: value < 9.95 ? tenths.format(value) : whole.format(Math.floor(value)), unit: '%' }
}

/** Formats the duration of a call. */
export function milliseconds(duration: number | null | undefined): Quantity {
  if (duration === null || duration === undefined) return NOTHING
  if (duration < 9.95) return { value: tenths.format(duration), unit: 'ms' }
  if (duration < 999.5) return { value: whole.format(duration), unit: 'ms' }
  return {
    value: duration < 9_950 ? tenths.format(duration / 1_000) : whole.format(duration / 1_000),
    unit: 's',
  }
}

/** Formats a time span in its two largest units: `23 s`, `4 min 05 s`, `2 h 10 min`, `3 d 4 h`. */
export function span(duration: number): string {
  const seconds = Math.max(0, Math.floor(duration / 1_000))
  if (seconds < 60) return `${seconds} s`
  const minutes = Math.floor(seconds / 60)
  if (minutes < 60) return `${minutes} min ${pad(seconds % 60)} s`
  const hours = Math.floor(minutes / 60)
  if (hours < 24) return `${hours} h ${pad(minutes % 60)} min`
  return `${Math.floor(hours / 24)} d ${hours % 24} h`
}

/** Formats the remaining time, rounded up so that it shows 0 only at the end. */
export function remaining(duration: number): string {
  return span(Math.ceil(duration / 1_000) * 1_000)
}

/** Formats a wall-clock time as the time of day in the user's time zone. */
export function clock(at: number): string {
  return timeOfDay.format(at)
}

/** Formats a wall-clock time as date and time in the user's time zone. */
export function date(at: number): string {
  return dayAndTime.format(at)
}

const pad = (value: number): string => String(value).padStart(2, '0')
