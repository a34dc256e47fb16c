import type { StorageHint } from '../contract/operations.ts'

/** The major version of the protocol, which is part of every key (F11): versions that differ do not meet. */
const PROTOCOL = 1
/** An encoded name that is longer ends in a hash. */
const LONGEST_NAME = 128
const KEPT = 64
/** Names may be made by the million; a hint that is not understood costs little. */
const MOST_KNOWN = 10_000
/** No hint of ours is longer. */
const LONGEST_HINT = LONGEST_NAME + 20

const hex = (byte: number): string => byte.toString(16).padStart(2, '0')

/** The SHA-1 or SHA-256 of a text, in hexadecimal. */
export async function digest(algorithm: 'SHA-1' | 'SHA-256', text: string): Promise<string> {
  const bytes = await crypto.subtle.digest(algorithm, new TextEncoder().encode(text))
  return Array.from(new Uint8Array(bytes), hex).join('')
}

/** Percent-encodes all but `A-Z a-z 0-9 _ . -`. Half a surrogate pair is kept apart from all other characters. */
export function encodeName(name: string): string {
  if (/^[\w.-]*$/.test(name)) return name
  let encoded = ''
  for (const character of name) {
    if (/[\w.-]/.test(character)) encoded += character
    else for (const byte of bytesOf(character)) encoded += `%${hex(byte).toUpperCase()}`
  }
  return encoded
}

function bytesOf(character: string): Iterable<number> {
  const code = character.codePointAt(0)!
  const alone = code >= 0xd800 && code <= 0xdfff
  // What UTF-8 would be if it had such characters: an encoder would make the same of all of them.
  if (alone) return [0xe0 | (code >> 12), 0x80 | ((code >> 6) & 0x3f), 0x80 | (code & 0x3f)]
  return new TextEncoder().encode(character)
}

/** Where the records of one prefix are, and what their breakers are called there. */
export class Names {
  /** What begins every key, and the channel for hints. */
  readonly prefix: string
  /** The names that somebody here has used and that cannot be told from how they are encoded. */
  readonly #known = new Map<string, string>()

  constructor(prefix: string) {
    this.prefix = `${prefix}:${PROTOCOL}`
  }

  /** The name as it stands in its key: short, and without braces and control characters. */
  async encode(name: string): Promise<string> {
    let encoded = encodeName(name)
    // No encoded name has a tilde of its own.
    if (encoded.length > LONGEST_NAME) {
      encoded = `${encoded.slice(0, KEPT - 1)}~${(await digest('SHA-256', encoded)).slice(0, KEPT)}`
    }
    if (decode(encoded) !== name) this.#remember(encoded, name)
    return encoded
  }

  key(encoded: string): string {
    return `${this.prefix}:{${encoded}}`
  }

  /** What a push means; `undefined` if it is none of ours or of no interest. Anybody may have written it. */
  hint(message: unknown): StorageHint | undefined {
    if (typeof message !== 'string' || message.length > LONGEST_HINT) return undefined
    const [, encoded, epoch] = /^([\w.%~-]*) (\d{1,15})$/.exec(message) ?? []
    if (encoded === undefined) return undefined
    const name = this.#known.get(encoded) ?? decode(encoded)
    return name === undefined ? undefined : { name, epoch: Number(epoch) }
  }

  #remember(encoded: string, name: string): void {
    this.#known.set(encoded, name)
    const [oldest] = this.#known.keys()
    if (this.#known.size > MOST_KNOWN && oldest !== undefined) this.#known.delete(oldest)
  }
}

/** The name, where it can be told from what stands in its key. */
export function decode(encoded: string): string | undefined {
  if (encoded === '' || encoded.includes('~')) return undefined
  try {
    return decodeURIComponent(encoded)
  } catch {
    return undefined
  }
}
