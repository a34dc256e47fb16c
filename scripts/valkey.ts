/**
 * Valkey for `npm run test:faults`. It is not in Debian's stable release, only in its backports. To leave the machine
 * unchanged, the packages are unpacked below `.servers`, with package lists of their own.
 */
import { execFileSync, spawnSync } from 'node:child_process'
import { existsSync, globSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

const HOME = new URL('../.servers/valkey/', import.meta.url).pathname
const PACKAGES = ['valkey-server', 'valkey-tools']
const SUITE = 'bookworm-backports'

/** The path of the server, whether installed or not. */
export const VALKEY: string = join(HOME, 'usr/bin/valkey-server')

export const isValkeyInstalled = (): boolean => spawnSync(VALKEY, ['--version']).status === 0

/**
 * Installs Valkey on Debian 12, unless it is installed already.
 *
 * @throws {Error} when the system is not Debian 12, or there is no network. The message names a remedy.
 */
export function installValkey(): void {
  if (isValkeyInstalled()) return
  const os = existsSync('/etc/os-release') ? readFileSync('/etc/os-release', 'utf8') : ''
  if (!/^VERSION_CODENAME=bookworm$/m.test(os))
    throw new Error(`Valkey comes from Debian's ${SUITE} only; put a valkey-server of your own at ${VALKEY}`)
  rmSync(HOME, { recursive: true, force: true })
  for (const folder of ['lists/partial', 'archives/partial'])
    mkdirSync(join(HOME, folder), { recursive: true })
  const keys = '/usr/share/keyrings/debian-archive-keyring.gpg'
  writeFileSync(
    join(HOME, 'sources.list'),
    `deb [signed-by=${keys}] http://deb.debian.org/debian ${SUITE} main\n`,
  )
  const own = [
    `Dir::Etc::SourceList=${HOME}sources.list`,
    'Dir::Etc::SourceParts=/dev/null',
    `Dir::State::Lists=${HOME}lists`,
    `Dir::Cache=${HOME}`,
    'APT::Sandbox::User=root',
  ].flatMap((setting) => ['-o', setting])
  const run = (command: string, ...args: string[]): void =>
    void execFileSync(command, args, { cwd: HOME, stdio: ['ignore', 'ignore', 'inherit'] })
  run('apt-get', ...own, 'update')
  run('apt-get', ...own, 'download', ...PACKAGES)
  for (const archive of globSync('*.deb', { cwd: HOME })) run('dpkg', '-x', archive, HOME)
  for (const rest of ['lists', 'archives', ...globSync('*.{deb,bin}', { cwd: HOME })])
    rmSync(join(HOME, rest), { recursive: true })
  if (!isValkeyInstalled()) throw new Error(`${PACKAGES.join(' and ')} came, but ${VALKEY} does not start`)
}
