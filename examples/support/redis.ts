import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createServer, type AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'

const ADVICE = `This example needs Redis or Valkey, and finds no redis-server. Either install it,

  Debian, Ubuntu   sudo apt-get install redis-server
  macOS            brew install redis

or name one that is running:

  REDIS_URL=redis://127.0.0.1:6379 node examples/fleet.ts`

/** A running Redis, and a function that releases it. */
export interface FoundRedis {
  readonly url: string
  stop(): Promise<void>
}

/**
 * Returns the Redis at `REDIS_URL`, or starts one on loopback that persists nothing. Ends the process with advice if
 * there is no redis-server.
 */
export async function findRedis(): Promise<FoundRedis> {
  const given = process.env['REDIS_URL']
  if (given) return { url: given, stop: async () => {} }
  const port = await freePort()
  const options = ['--port', String(port), '--bind', '127.0.0.1', '--save', '', '--dir', tmpdir()]
  const server = spawn('redis-server', options, { stdio: ['ignore', 'pipe', 'inherit'] })
  process.once('exit', () => server.kill('SIGKILL'))
  server.once('error', () => {
    console.error(ADVICE)
    process.exit(1)
  })
  for await (const text of server.stdout) if (String(text).includes('Ready to accept connections')) break
  return {
    url: `redis://127.0.0.1:${port}`,
    stop: async () => {
      server.kill()
      await once(server, 'exit')
    },
  }
}

async function freePort(): Promise<number> {
  const probe = createServer().listen(0, '127.0.0.1')
  await once(probe, 'listening')
  const { port } = probe.address() as AddressInfo
  probe.close()
  await once(probe, 'close')
  return port
}
