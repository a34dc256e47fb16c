import { spawn, spawnSync, type ChildProcess } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import process from 'node:process'
import { freePort } from '../../../helpers/free-port.ts'

const INSTALL =
  'apt-get update && apt-get install -y --no-install-recommends redis-server redis-sentinel redis-tools'

// A test that is cut short must not leave them behind.
const running = new Set<ChildProcess>()
process.once('exit', () => running.forEach((server) => server.kill('SIGKILL')))

/** A redis-server of our own, on loopback, that keeps nothing on disk. */
export interface RedisServer {
  readonly url: string
  readonly port: number
  readonly pid: number
  /** Resolves when the process has ended. */
  stop(): Promise<void>
}

/** Why tests that need a server are skipped; they never are in CI. */
export const withoutRedis: () => string | false = () =>
  process.env['CI'] || spawnSync('redis-server', ['--version']).status === 0
    ? false
    : 'there is no redis-server'

/** How a server is started, where that is not the usual way. */
export interface Launch {
  /** Default `redis-server`. */
  readonly program?: string
  /** What comes before the options: the configuration file of a Sentinel. */
  readonly first?: readonly string[]
  /** What comes after them. */
  readonly options?: readonly string[]
  readonly env?: Readonly<Record<string, string>>
  /** What it prints when it takes connections. */
  readonly ready?: string
}

/**
 * Starts a server and waits until it takes connections.
 *
 * @throws {Error} where there is no `redis-server`; it names the command that brings it.
 */
export async function startRedis(...options: string[]): Promise<RedisServer> {
  return startRedisAt(await freePort(), ...options)
}

/** The same, at a port where one was before. */
export function startRedisAt(port: number, ...options: string[]): Promise<RedisServer> {
  return launch(port, options)
}

/** The same, in another way. */
export async function launch(
  port: number,
  options: readonly string[],
  {
    program = 'redis-server',
    first = [],
    options: more = [],
    env = {},
    ready: sign = 'Ready to accept connections',
  }: Launch = {},
): Promise<RedisServer> {
  const dir = mkdtempSync(join(tmpdir(), 'recloser-redis-'))
  const fixed = ['--port', String(port), '--bind', '127.0.0.1', '--dir', dir]
  // A Sentinel has no data.
  const data = first.length > 0 ? [] : ['--save', '', '--appendonly', 'no']
  const server = spawn(program, [...first, ...fixed, ...data, ...more, ...options], {
    stdio: ['ignore', 'pipe', 'inherit'],
    env: { ...process.env, ...env },
  })
  const ended = new Promise<void>((resolve, reject) => {
    server.once('exit', () => resolve())
    server.once('error', (error) =>
      reject(new Error(`${program} does not start; this brings it: ${INSTALL}`, { cause: error })),
    )
  })
  let log = ''
  const ready = new Promise<void>((resolve) => {
    server.stdout.setEncoding('utf8').on('data', (text: string) => {
      log = (log + text).slice(-10_000)
      if (log.includes(sign)) resolve()
    })
  })
  running.add(server)
  server.once('close', () => running.delete(server))
  const failed = ended.then(() => {
    throw new Error(`${program} ended before it took connections (port ${port}): ${log}`)
  })
  failed.catch(() => {})
  try {
    await Promise.race([ready, failed])
  } catch (error) {
    rmSync(dir, { recursive: true })
    throw error
  }
  return {
    url: `redis://127.0.0.1:${port}`,
    port,
    pid: server.pid!,
    stop: async () => {
      server.kill('SIGKILL')
      await ended
      rmSync(dir, { recursive: true })
    },
  }
}
