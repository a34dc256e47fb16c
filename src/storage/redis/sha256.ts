const rotate = (word: number, by: number): number => (word >>> by) | (word << (32 - by))

/** Returns the first 64 primes, whose roots are the constants of the algorithm. */
function primes(): number[] {
  const found: number[] = []
  for (let n = 2; found.length < 64; n++) if (found.every((prime) => n % prime > 0)) found.push(n)
  return found
}

const fraction = (root: number): number => ((root % 1) * 2 ** 32) | 0
const K = /* @__PURE__ */ primes().map((prime) => fraction(Math.cbrt(prime)))
const START = /* @__PURE__ */ primes()
  .slice(0, 8)
  .map((prime) => fraction(Math.sqrt(prime)))

/** Returns the SHA-256 digest (FIPS 180-4) of a text, in hexadecimal. That of Web Crypto is asynchronous. */
export function sha256(text: string): string {
  const bytes = new TextEncoder().encode(text)
  const padded = new Uint8Array(((bytes.length + 72) >> 6) << 6)
  padded.set(bytes)
  padded[bytes.length] = 0x80
  const blocks = new DataView(padded.buffer)
  blocks.setUint32(padded.length - 4, bytes.length * 8)

  let sums = START
  const words = new Int32Array(64)
  for (let block = 0; block < padded.length; block += 64) {
    let [a, b, c, d, e, f, g, h] = sums as [number, number, number, number, number, number, number, number]
    for (let i = 0; i < 64; i++) {
      const [old, recent] = [words[i - 15]!, words[i - 2]!]
      words[i] =
        i < 16
          ? blocks.getInt32(block + 4 * i)
          : words[i - 16]! +
            words[i - 7]! +
            (rotate(old, 7) ^ rotate(old, 18) ^ (old >>> 3)) +
            (rotate(recent, 17) ^ rotate(recent, 19) ^ (recent >>> 10))
      const first =
        h + (rotate(e, 6) ^ rotate(e, 11) ^ rotate(e, 25)) + ((e & f) ^ (~e & g)) + K[i]! + words[i]!
      const second = (rotate(a, 2) ^ rotate(a, 13) ^ rotate(a, 22)) + ((a & b) ^ (a & c) ^ (b & c))
      ;[h, g, f, e, d, c, b, a] = [g, f, e, (d + first) | 0, c, b, a, (first + second) | 0]
    }
    sums = [a, b, c, d, e, f, g, h].map((word, i) => (word + sums[i]!) | 0)
  }
  return sums.map((sum) => (sum >>> 0).toString(16).padStart(8, '0')).join('')
}
