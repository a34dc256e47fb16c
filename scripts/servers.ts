/**
 * Checks that the programs that the tests start are installed; `npm test` runs it first. As root on Debian it installs
 * what is missing from apt; otherwise it prints the command, and the tests that need the program fail. With `--all` it
 * also covers Chromium and installs the test folders that have a package.json of their own, because tests that run in
 * parallel must not install the same thing. With `--valkey` it installs Valkey.
 */
import { execFileSync, spawnSync } from 'node:child_process'
import { existsSync, globSync } from 'node:fs'
import { join } from 'node:path'
import { CHROMIUM } from '../test/helpers/chromium.ts'
import { installOwnPackages } from '../test/helpers/own-packages.ts'
import { installValkey } from './valkey.ts'

interface Program {
  readonly name: string
  readonly packages: readonly string[]
  readonly isInstalled: () => boolean
}

const all = process.argv.includes('--all')
const onPath = (command: string): boolean => spawnSync(command, ['--version']).status === 0

const programs: readonly Program[] = [
  {
    name: 'Redis with Sentinel',
    packages: ['redis-server', 'redis-sentinel', 'redis-tools'],
    isInstalled: () => onPath('redis-server') && onPath('redis-cli') && onPath('redis-sentinel'),
  },
  {
    name: 'PostgreSQL',
    packages: ['postgresql'],
    isInstalled: () => onPath('initdb') || globSync('/usr/lib/postgresql/*/bin/initdb').length > 0,
  },
  {
    name: 'Chromium',
    packages: ['chromium'],
    isInstalled: () => !all || existsSync(CHROMIUM.executablePath),
  },
]

const missing = programs.filter((program) => !program.isInstalled())
if (missing.length > 0) {
  const packages = missing.flatMap((program) => program.packages)
  const names = missing.map(({ name }) => name).join(' and ')
  const command = `apt-get update && apt-get install -y --no-install-recommends ${packages.join(' ')}`
  const canInstall = process.getuid?.() === 0 && onPath('apt-get')
  if (canInstall) {
    console.log(`${names} missing: ${command}`)
    execFileSync('sh', ['-c', command], {
      stdio: ['ignore', 'ignore', 'inherit'],
      env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' },
    })
  } else {
    console.warn(
      `${names} missing: the tests that need it cannot pass. This brings it: sudo sh -c '${command}'`,
    )
    if (process.env['CI']) process.exitCode = 1
  }
}

if (all) {
  for (const folder of ['test/system/package/toolchains', 'test/integration/nest-11'])
    installOwnPackages(join(import.meta.dirname, '..', folder))
}
if (process.argv.includes('--valkey')) installValkey()
