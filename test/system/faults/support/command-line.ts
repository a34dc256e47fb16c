import { mkdirSync, mkdtempSync, rmSync, symlinkSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { main } from '../../../../src/cli/main.ts'
import { fakeIo } from '../../../unit/cli/fake-io.ts'

/** The name under which each library is installed for users, and its alias in this repository. */
const PACKAGES: Readonly<Record<string, readonly [name: string, here: string]>> = {
  'node-redis 6': ['redis', 'redis'],
  'node-redis 5': ['redis', 'redis-5'],
  'ioredis 6': ['ioredis', 'ioredis'],
  'ioredis 5': ['ioredis', 'ioredis-5'],
  iovalkey: ['iovalkey', 'iovalkey'],
}

export interface Ended {
  readonly code: number
  readonly out: string
  readonly err: string
}

/** A project with one client library installed, or none, in which commands are run. */
export class Project {
  readonly folder: string = mkdtempSync(join(tmpdir(), 'recloser-project-'))
  readonly env: Record<string, string>

  constructor(family: string | undefined, env: Record<string, string> = {}) {
    this.env = env
    const [name, here] = PACKAGES[family ?? ''] ?? []
    if (name === undefined || here === undefined) return
    mkdirSync(join(this.folder, 'node_modules'))
    const installed = join(import.meta.dirname, '../../../../node_modules', here)
    symlinkSync(installed, join(this.folder, 'node_modules', name))
  }

  async recloser(...args: readonly string[]): Promise<Ended> {
    const io = fakeIo({ cwd: this.folder, env: this.env })
    const code = await main(args, io)
    return { code, out: io.out.text, err: io.err.text }
  }

  remove(): void {
    rmSync(this.folder, { recursive: true })
  }
}
