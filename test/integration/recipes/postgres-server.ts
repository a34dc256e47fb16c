import { execFile, execFileSync, spawn, spawnSync, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { chownSync, globSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import process from 'node:process'
import { promisify } from 'node:util'
import { freePort } from '../../helpers/free-port.ts'

// Debian does not add it to the PATH.
const [folder] = globSync('/usr/lib/postgresql/*/bin')
const program = (name: string): string => (folder ? join(folder, name) : name)

/** Why no server can run on this machine; `false` if one can. */
export const noPostgres: string | false =
  spawnSync(program('initdb'), ['--version']).status === 0
    ? false
    : 'there is no PostgreSQL: scripts/servers.ts'

/** A server of our own, on loopback, that can be stopped and restarted. */
export interface PostgresServer {
  readonly port: number
  start(): Promise<void>
  /** Terminates all sessions at once. */
  stop(): Promise<void>
  remove(): Promise<void>
}

/** The user that runs the server: PostgreSQL refuses to run as root. */
function whoRuns(): { uid?: number; gid?: number } {
  if (process.getuid?.() !== 0) return {}
  const id = (flag: string): number => Number(execFileSync('id', [flag, 'postgres'], { encoding: 'utf8' }))
  return { uid: id('-u'), gid: id('-g') }
}

export async function createPostgres(): Promise<PostgresServer> {
  const who = whoRuns()
  const data = mkdtempSync(join(tmpdir(), 'recloser-postgres-'))
  if (who.uid !== undefined) chownSync(data, who.uid, who.gid ?? who.uid)
  const quick = ['-A', 'trust', '-U', 'test', '-N', '--no-locale', '-E', 'UTF8']
  await promisify(execFile)(program('initdb'), ['-D', data, ...quick], { ...who, cwd: tmpdir() })
  const port = await freePort()
  let server: ChildProcess | undefined

  async function stop(): Promise<void> {
    if (!server) return
    const ended = once(server, 'exit')
    server.kill('SIGINT') // fast shutdown
    await ended
    server = undefined
  }

  return {
    port,
    async start() {
      const options = ['-p', String(port), '-h', '127.0.0.1', '-k', data, '-F', '-c', 'log_min_messages=log']
      server = spawn(program('postgres'), ['-D', data, ...options], {
        ...who,
        cwd: tmpdir(),
        stdio: ['ignore', 'ignore', 'pipe'],
      })
      const { stderr } = server
      await new Promise<void>((resolve, reject) => {
        let log = ''
        stderr?.setEncoding('utf8').on('data', (text: string) => {
          log += text
          if (log.includes('ready to accept connections')) resolve()
        })
        server?.once('exit', () => reject(new Error(`PostgreSQL does not start: ${log}`)))
      })
    },
    stop,
    async remove() {
      await stop()
      rmSync(data, { recursive: true, force: true })
    },
  }
}
