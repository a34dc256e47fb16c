/** Formats milliseconds as a latency: `3.2 ms`, `120 ms`, `1.25 s`. */
export function latency(ms: number): string {
  if (ms < 9.95) return `${ms.toFixed(1)} ms`
  if (ms < 999.5) return `${ms.toFixed(0)} ms`
  return ms < 99_950 ? `${(ms / 1_000).toPrecision(3)} s` : `${(ms / 1_000).toFixed(0)} s`
}

/** Formats milliseconds, rounded up to seconds, in the two largest units: `23 s`, `4 min 05 s`, `2 h 10 min`. */
export function period(ms: number): string {
  const seconds = Math.max(0, Math.ceil(ms / 1_000))
  const two = (value: number): string => String(value).padStart(2, '0')
  if (seconds < 60) return `${seconds} s`
  const minutes = Math.floor(seconds / 60)
  if (minutes < 60) return `${minutes} min ${two(seconds % 60)} s`
  const hours = Math.floor(minutes / 60)
  if (hours < 24) return `${hours} h ${two(minutes % 60)} min`
  return `${Math.floor(hours / 24)} d ${hours % 24} h`
}

/** Formats how long ago something happened, rounded down to seconds. */
export function ago(ms: number): string {
  const seconds = Math.floor(ms / 1_000)
  return seconds < 1 ? 'just now' : `${period(seconds * 1_000)} ago`
}

/** Formats a ratio: `0 %`, `0.5 %`, `37 %`. Only 1 is shown as 100 %, and only 0 as 0 %. */
export function percent(ratio: number): string {
  const value = ratio * 100
  if (value > 0 && value < 0.1) return '<0.1 %'
  return `${value > 0 && value < 9.95 ? value.toFixed(1) : Math.floor(value)} %`
}

/** Formats calls per second: `0`, `0.3`, `12.5`, `140`. */
export function rate(perSecond: number): string {
  if (perSecond === 0) return '0'
  return perSecond < 99.95 ? perSecond.toFixed(1) : perSecond.toFixed(0)
}

/** Formats a number with its noun: `1 breaker`, `12 breakers`. */
export function count(number: number, noun: string): string {
  return `${number.toLocaleString('en-GB')} ${noun}${number === 1 ? '' : 's'}`
}
