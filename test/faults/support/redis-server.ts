import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { createServer, type AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import process from 'node:process'

const INSTALL =
  'apt-get update && apt-get install -y --no-install-recommends redis-server redis-sentinel redis-tools'

/** A redis-server of our own, on loopback, that keeps nothing on disk. */
export interface RedisServer {
  readonly url: string
  readonly port: number
  readonly pid: number
  /** Resolves when the process has ended. */
  stop(): Promise<void>
}

export async function freePort(): Promise<number> {
  const probe = createServer().listen(0, '127.0.0.1')
  await once(probe, 'listening')
  const { port } = probe.address() as AddressInfo
  probe.close()
  await once(probe, 'close')
  return port
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
export async function startRedisAt(port: number, ...options: string[]): Promise<RedisServer> {
  const dir = mkdtempSync(join(tmpdir(), 'recloser-redis-'))
  const fixed = [
    '--port',
    String(port),
    '--bind',
    '127.0.0.1',
    '--save',
    '',
    '--appendonly',
    'no',
    '--dir',
    dir,
  ]
  const server = spawn('redis-server', [...fixed, ...options], { stdio: ['ignore', 'pipe', 'inherit'] })
  const ended = new Promise<void>((resolve, reject) => {
    server.once('exit', () => resolve())
    server.once('error', (error) =>
      reject(new Error(`redis-server does not start; this brings it: ${INSTALL}`, { cause: error })),
    )
  })
  const ready = new Promise<void>((resolve) => {
    let log = ''
    server.stdout.setEncoding('utf8').on('data', (text: string) => {
      log = (log + text).slice(-10_000)
      if (log.includes('Ready to accept connections')) resolve()
    })
  })
  // A test that is cut short must not leave it behind.
  const kill = (): void => void server.kill('SIGKILL')
  process.once('exit', kill)
  const failed = ended.then(() => {
    throw new Error(`redis-server ended before it took connections (port ${port})`)
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
      kill()
      await ended
      process.off('exit', kill)
      rmSync(dir, { recursive: true })
    },
  }
}
