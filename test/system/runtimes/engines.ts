import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { installOwnPackages } from '../../helpers/own-packages.ts'
import { root } from './portable.ts'

/** The runtimes have a package of their own, so that `npm ci` in the project stays small. */
const folder = join(root, 'test/system/runtimes/engines')

/** Installs the runtimes (about 900 MB) if they are missing or older than their lock file. */
export function installEngines(): void {
  installOwnPackages(folder)
}

/** The path of a program in one of the installed packages. */
export function engine(path: string): string {
  return join(folder, 'node_modules', path)
}

/** Loads a module of one of the installed packages. */
export function requireEngine<Module>(name: string): Module {
  return createRequire(join(folder, 'package.json'))(name) as Module
}

export function readVersion(name: string): string {
  return (JSON.parse(readFileSync(engine(`${name}/package.json`), 'utf8')) as { version: string }).version
}
