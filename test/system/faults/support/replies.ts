const CR_LF = Buffer.from('\r\n')
/** Types whose value is in the rest of the line. */
const LINES = '+-:_#,('
const STRINGS = '$!='
/** Types with elements, and the number of values per element. */
const AGGREGATES: Readonly<Record<string, number>> = { '*': 1, '~': 1, '>': 1, '%': 2, '|': 2 }

/** Splits what a server sends into whole replies, by RESP 2 and 3. */
export class Replies {
  #rest: Buffer = Buffer.alloc(0)

  /** Returns the replies that these bytes complete. */
  split(bytes: Buffer): Buffer[] {
    this.#rest = Buffer.concat([this.#rest, bytes])
    const whole: Buffer[] = []
    for (;;) {
      const end = endOf(this.#rest, 0)
      if (end === undefined) return whole
      whole.push(this.#rest.subarray(0, end))
      this.#rest = this.#rest.subarray(end)
    }
  }
}

/** The index after the reply that begins at `at`, unless some of it is missing. */
function endOf(bytes: Buffer, at: number): number | undefined {
  const line = bytes.indexOf(CR_LF, at)
  if (line === -1) return undefined
  const type = String.fromCharCode(bytes[at]!)
  const after = line + CR_LF.length
  if (LINES.includes(type)) return after
  const size = Number(bytes.toString('latin1', at + 1, line))
  if (STRINGS.includes(type)) {
    const end = size < 0 ? after : after + size + CR_LF.length
    return end <= bytes.length ? end : undefined
  }
  const values = AGGREGATES[type]
  if (values === undefined) throw new Error(`this is no reply: ${bytes.toString('latin1', at, at + 40)}`)
  let end: number | undefined = after
  for (let left = size * values; left > 0 && end !== undefined; left--) end = endOf(bytes, end)
  // Attributes precede the reply that they describe.
  return type === '|' && end !== undefined ? endOf(bytes, end) : end
}
