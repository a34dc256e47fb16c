import type { StorageHint } from '../contract/operations.ts'
import { sha256 } from './sha256.ts'

/** The protocol version. It is part of every key (F11), so processes of different versions never share a record. */
const PROTOCOL = 2
/** The maximum length of an encoded name. A longer one is cut and ends in a hash. */
const LONGEST_NAME = 128
/** Characters of each half of a cut name: its beginning with a `~`, and the hash. */
const HALF = 64
/** The maximum length of a hint: a name, a space and an epoch. */
const LONGEST_HINT = LONGEST_NAME + 20

const hex = (byte: number): string => byte.toString(16).padStart(2, '0')

/** Returns the SHA-1 digest of a text, in hexadecimal. */
export async function sha1(text: string): Promise<string> {
  const bytes = await crypto.subtle.digest('SHA-1', new TextEncoder().encode(text))
  return Array.from(new Uint8Array(bytes), hex).join('')
}

/** Percent-encodes all but `A-Z a-z 0-9 _ . -`. A lone surrogate gets an encoding that no other character has. */
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
  const isLone = code >= 0xd800 && code <= 0xdfff
  // The bytes that UTF-8 would use if it allowed them. TextEncoder turns every lone surrogate into U+FFFD, so that
  // different names would share a key.
  if (isLone) return [0xe0 | (code >> 12), 0x80 | ((code >> 6) & 0x3f), 0x80 | (code & 0x3f)]
  return new TextEncoder().encode(character)
}

/** Maps the names of breakers to the keys of one prefix. */
export class Names {
  /** The prefix and the protocol version: the beginning of every key, and the channel for hints. */
  readonly prefix: string

  constructor(prefix: string) {
    this.prefix = `${prefix}:${PROTOCOL}`
  }

  /** Returns the name as its key and its hints contain it: short, and without braces or control characters. */
  encode(name: string): string {
    const encoded = encodeName(name)
    // The tilde cannot clash: percent-encoding leaves none in a name.
    return encoded.length > LONGEST_NAME ? `${encoded.slice(0, HALF - 1)}~${sha256(encoded)}` : encoded
  }

  key(encoded: string): string {
    return `${this.prefix}:{${encoded}}`
  }

  /**
   * Parses a message from the channel, which anyone may have published. Returns `undefined` if it is not a hint. Its name
   * stays encoded.
   */
  hint(message: unknown): StorageHint | undefined {
    if (typeof message !== 'string' || message.length > LONGEST_HINT) return undefined
    // A name that was cut may end within an encoded byte.
    const [, name, epoch] = /^([\w.%~-]*) (\d{1,15})$/.exec(message) ?? []
    return name === undefined ? undefined : { name, epoch: Number(epoch) }
  }
}

/** Decodes a name from its key. Returns `undefined` if that is impossible, as for a name that ends in a hash. */
export function decode(encoded: string): string | undefined {
  if (encoded === '' || encoded.includes('~')) return undefined
  try {
    return decodeURIComponent(encoded)
  } catch {
    return undefined
  }
}
