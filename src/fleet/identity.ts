/** The subset of `node:os` that this module uses. */
interface Host {
  hostname(): string
}

interface Process {
  getBuiltinModule?: (name: string) => Host | undefined
}

const TOKEN = /^[\w-]{1,32}$/

/** Returns a random nonce of 16 characters. */
export function newNonce(): string {
  const words = crypto.getRandomValues(new Uint32Array(2))
  return [...words].map(hex).join('')
}

/** Returns a reporter's name as records hold it: the name itself if its length and characters allow, else its hash. */
export function toReporter(name: string): string {
  return TOKEN.test(name) ? name : hash(name)
}

/** Returns the reporter of this host (F6), or of this process where the host's name is not available. */
export function ownHost(): string {
  return (host ??= identifyHost())
}

/** Returns the reporter of this process, or of this instance on runtimes without processes. */
export function ownInstance(): string {
  return (instance ??= newNonce())
}

let host: string | undefined
let instance: string | undefined

function identifyHost(): string {
  try {
    const { process } = globalThis as { process?: Process }
    const name = process?.getBuiltinModule?.('node:os')?.hostname()
    return name ? hash(name) : ownInstance()
  } catch {
    return ownInstance()
  }
}

/** Hashes a text to 16 hexadecimal digits: FNV-1a (Fowler, Noll, Vo), 32 bits from each of two offset bases. */
function hash(text: string): string {
  return [0x811c9dc5, 0x01000193].map((basis) => hex(fnv(text, basis))).join('')
}

function fnv(text: string, basis: number): number {
  let sum = basis
  for (const byte of new TextEncoder().encode(text)) sum = Math.imul(sum ^ byte, 0x01000193)
  return sum >>> 0
}

const hex = (word: number): string => word.toString(16).padStart(8, '0')
