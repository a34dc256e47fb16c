import { existsSync, readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { pathToFileURL } from 'node:url'
import type { RedisClientLike } from '../../storage/redis/open-port.ts'
import { isObject } from '../../base/validate.ts'
import { Failure } from '../base/command.ts'
import { printable } from '../base/text.ts'
import type { RedisAddress } from './address.ts'

/** Creates a client that is not connected yet. */
export type MakeClient = (address: RedisAddress) => RedisClientLike

interface Library {
  readonly name: string
  /** The minimum major version: older ones have another API. */
  readonly leastMajor: number
  readonly maker: (exported: Exports) => MakeClient | undefined
}

type Exports = Readonly<Record<string, unknown>>
type Factory = (options: object) => RedisClientLike
type Constructor = new (options: object) => RedisClientLike

function nodeRedis({ createClient }: Exports): MakeClient | undefined {
  if (typeof createClient !== 'function') return undefined
  return ({ host, port, tls, username, password, database }) =>
    (createClient as Factory)({ socket: { host, port, tls }, username, password, database })
}

function ioredis({ Redis }: Exports): MakeClient | undefined {
  if (typeof Redis !== 'function') return undefined
  return ({ host, port, tls, username, password, database }) =>
    new (Redis as Constructor)({
      host,
      port,
      ...(tls && { tls: {} }),
      ...(username !== undefined && { username }),
      ...(password !== undefined && { password }),
      db: database,
      lazyConnect: true,
    })
}

const LIBRARIES: readonly Library[] = [
  { name: 'redis', leastMajor: 5, maker: nodeRedis },
  { name: 'ioredis', leastMajor: 5, maker: ioredis },
  { name: 'iovalkey', leastMajor: 0, maker: ioredis },
]

/** Returns where to look: in the project, and beside this package, where `npx -p recloser -p redis` installs it. */
export const searchPaths = (cwd: string): readonly string[] => [join(cwd, '/'), import.meta.filename]

/**
 * Loads the client library that is installed, because this package brings none.
 *
 * @throws {Failure} when none is installed or can be used. It says what to install.
 */
export async function loadLibrary(folders: readonly string[]): Promise<MakeClient> {
  const tooOld = new Set<string>()
  for (const folder of folders) {
    for (const { name, leastMajor, maker } of LIBRARIES) {
      const entry = resolve(name, folder)
      if (entry === undefined) continue
      const version = versionOf(name, entry)
      const make =
        Number.parseInt(version, 10) < leastMajor ? undefined : maker(exportsOf(await load(name, entry)))
      if (make) return make
      tooOld.add(`${name} ${version}`)
    }
  }
  const found = tooOld.size === 0 ? '' : ` (${printable([...tooOld].join(', '))} cannot be used)`
  throw new Failure(
    `No client for Redis can be found from ${printable(folders[0] ?? '')}${found}.`,
    'In a project: npm install redis@latest (or ioredis@latest, iovalkey@latest). Elsewhere: npx -p recloser -p redis recloser fleet …',
  )
}

function resolve(name: string, folder: string): string | undefined {
  try {
    return createRequire(folder).resolve(name)
  } catch {
    return undefined
  }
}

async function load(name: string, entry: string): Promise<unknown> {
  try {
    return await import(pathToFileURL(entry).href)
  } catch (error) {
    throw new Failure(`The installed ${name} cannot be loaded: ${printable(String(error))}`, '', {
      cause: error,
    })
  }
}

/** Returns all exports of a module. Those of a CommonJS module are not always available by name. */
function exportsOf(module: unknown): Exports {
  const named = isObject(module) ? (module as Exports) : {}
  const { default: standard } = named
  return { ...(isObject(standard) || typeof standard === 'function' ? (standard as object) : {}), ...named }
}

/** Returns the version of the package that a file belongs to. */
function versionOf(name: string, entry: string): string {
  for (let folder = dirname(entry); folder !== dirname(folder); folder = dirname(folder)) {
    const file = join(folder, 'package.json')
    if (!existsSync(file)) continue
    const { name: found, version } = JSON.parse(readFileSync(file, 'utf8')) as Record<string, unknown>
    if (found === name && typeof version === 'string') return version
  }
  return 'unknown'
}
