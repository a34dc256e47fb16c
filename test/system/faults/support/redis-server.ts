import { spawn, spawnSync, type ChildProcess } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import process from 'node:process'
import { freePort } from '../../../helpers/free-port.ts'

const INSTALL =
  'apt-get update && apt-get install -y --no-install-recommends redis-server redis-sentinel redis-tools'

// An interrupted test must not leave them running.
const running = new Set<ChildProcess>()
process.once('exit', () => running.forEach((server) => server.kill('SIGKILL')))

/** A redis-server of our own, on loopback, without persistence. */
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

/** How to start a server in a non-default way. */
export interface Launch {
  /** The program to start. @default 'redis-server' */
  readonly program?: string
  /** Arguments before the options, such as the configuration file of a Sentinel. */
  readonly first?: readonly string[]
  /** Arguments after them. */
  readonly options?: readonly string[]
  readonly env?: Readonly<Record<string, string>>
  /** What it prints when it accepts connections. */
  readonly ready?: string
}

/**
 * Starts a server and waits until it accepts connections.
 *
 * @throws {Error} when `redis-server` is missing; the message names the command that installs it.
 */
export async function startRedis(...options: string[]): Promise<RedisServer> {
  return startRedisAt(await freePort(), ...options)
}

/** Starts a server at a port that was used before. */
export function startRedisAt(port: number, ...options: string[]): Promise<RedisServer> {
  return launch(port, options)
}

/** Starts a server in a non-default way. */
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
  // A Sentinel has no data to persist.
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
