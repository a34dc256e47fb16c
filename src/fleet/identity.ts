/** As much of `node:os` as is used. */
interface Host {
  hostname(): string
}

interface Process {
  getBuiltinModule?: (name: string) => Host | undefined
}

const TOKEN = /^[\w-]{1,32}$/

/** Unlike any other, of this or another process: 16 characters. */
export function newNonce(): string {
  const words = crypto.getRandomValues(new Uint32Array(2))
  return [...words].map(hex).join('')
}

/** A reporter's name as it goes into a record: itself where it can, else a hash. */
export function toReporter(name: string): string {
  return TOKEN.test(name) ? name : hash(name)
}

/** This host (F6); where nobody knows its name, this process. */
export function ownHost(): string {
  return (host ??= nameHost())
}

/** This process, or what lives as long where there are none. */
export function ownInstance(): string {
  return (instance ??= newNonce())
}

let host: string | undefined
let instance: string | undefined

function nameHost(): string {
  try {
    const { process } = globalThis as { process?: Process }
    const name = process?.getBuiltinModule?.('node:os')?.hostname()
    return name ? hash(name) : ownInstance()
  } catch {
    return ownInstance()
  }
}

/** FNV-1a (Fowler, Noll, Vo) from two starting points. */
function hash(text: string): string {
  return [0x811c9dc5, 0x01000193].map((basis) => hex(fnv(text, basis))).join('')
}

function fnv(text: string, basis: number): number {
  let sum = basis
  for (const byte of new TextEncoder().encode(text)) sum = Math.imul(sum ^ byte, 0x01000193)
  return sum >>> 0
}

const hex = (word: number): string => word.toString(16).padStart(8, '0')
