/**
 * Sees to the servers that tests start on loopback: `npm test` runs it first. Where something is missing, it comes from
 * apt if this is root on Debian; otherwise the command is named, and the tests that need it do not pass. With `--valkey` it
 * brings Valkey too.
 */
import { execFileSync, spawnSync } from 'node:child_process'
import { globSync } from 'node:fs'
import { bringValkey } from './valkey.ts'

interface Server {
  readonly name: string
  readonly packages: readonly string[]
  readonly isThere: () => boolean
}

const onPath = (command: string): boolean => spawnSync(command, ['--version']).status === 0

const servers: readonly Server[] = [
  {
    name: 'Redis with Sentinel',
    packages: ['redis-server', 'redis-sentinel', 'redis-tools'],
    isThere: () => onPath('redis-server') && onPath('redis-cli') && onPath('redis-sentinel'),
  },
  {
    name: 'PostgreSQL',
    packages: ['postgresql'],
    isThere: () => onPath('initdb') || globSync('/usr/lib/postgresql/*/bin/initdb').length > 0,
  },
]

const missing = servers.filter((server) => !server.isThere())
if (missing.length > 0) {
  const packages = missing.flatMap((server) => server.packages)
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

if (process.argv.includes('--valkey')) bringValkey()
