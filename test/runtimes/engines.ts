import { execFileSync } from 'node:child_process'
import { readFileSync, statSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { root } from './portable.ts'

/** The runtimes come from a package of their own, so that `npm ci` in the project stays light. */
const folder = join(root, 'test/runtimes/engines')

/** Installs the runtimes if they are missing or older than their lock file. */
export function installEngines(): void {
  const installed = modified(join(folder, 'node_modules/.package-lock.json'))
  if (installed !== undefined && installed >= (modified(join(folder, 'package-lock.json')) ?? 0)) return
  console.log('installing the runtimes (about 900 MB) …')
  execFileSync('npm', ['ci', '--prefix', folder, '--no-audit', '--no-fund', '--loglevel=error'], {
    stdio: 'inherit',
  })
}

/** The path of a program in one of the installed packages. */
export function engine(path: string): string {
  return join(folder, 'node_modules', path)
}

/** A module of one of the installed packages. */
export function requireEngine<Module>(name: string): Module {
  return createRequire(join(folder, 'package.json'))(name) as Module
}

export function readVersion(name: string): string {
  return (JSON.parse(readFileSync(engine(`${name}/package.json`), 'utf8')) as { version: string }).version
}

function modified(path: string): number | undefined {
  return statSync(path, { throwIfNoEntry: false })?.mtimeMs
}
