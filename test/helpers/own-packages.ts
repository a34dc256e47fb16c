import { execFileSync } from 'node:child_process'
import { statSync } from 'node:fs'
import { join } from 'node:path'

/**
 * Installs the packages of a folder that has a package.json of its own, so that the project's `npm ci` stays light. Does
 * nothing where they are installed already and as new as the lock file.
 */
export function installOwnPackages(folder: string): void {
  const installed = modified(join(folder, 'node_modules/.package-lock.json'))
  if (installed !== undefined && installed >= (modified(join(folder, 'package-lock.json')) ?? 0)) return
  console.log(`installing the packages of ${folder} …`)
  execFileSync('npm', ['ci', '--prefix', folder, '--no-audit', '--no-fund', '--loglevel=error'], {
    stdio: 'inherit',
  })
}

function modified(path: string): number | undefined {
  return statSync(path, { throwIfNoEntry: false })?.mtimeMs
}
