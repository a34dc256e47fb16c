import assert from 'node:assert/strict'
import { fork, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { it } from 'node:test'
import { fileURLToPath } from 'node:url'
import { createClient } from 'redis'
import { until } from '../../helpers/until.ts'
import { startRedis, withoutRedis } from './support/redis-server.ts'
import type { UpgradeOrder, UpgradeReport, UpgradeSettings } from './support/upgrade-member.ts'

const path = (relative: string): string => fileURLToPath(new URL(relative, import.meta.url))
const MEMBER = path('support/upgrade-member.ts')
const LIBRARIES = { old: path('fixtures/recloser-0.1.0.mjs'), new: path('support/current.ts') }
type Version = keyof typeof LIBRARIES

/** One process of a rollout. */
class Member {
  readonly version: Version
  readonly #child: ChildProcess
  #report: UpgradeReport | undefined

  constructor(version: Version, url: string, reporter: string) {
    this.version = version
    const settings: UpgradeSettings = { library: LIBRARIES[version], url, reporter }
    this.#child = fork(MEMBER, [JSON.stringify(settings)])
    this.#child.on('message', (report: UpgradeReport) => (this.#report = report))
  }

  get report(): Partial<UpgradeReport> {
    return this.#report ?? {}
  }

  tell(order: UpgradeOrder): void {
    this.#child.send(order)
  }

  async end(): Promise<void> {
    const ended = once(this.#child, 'exit')
    this.tell('end')
    assert.deepEqual(await ended, [0, null])
    assert.deepEqual(this.report.faults, [], `what a member of the ${this.version} version saw`)
  }

  kill(): void {
    this.#child.kill('SIGKILL')
  }
}

it(
  'F30: during a rollout under load, the versions are two fleets that do not touch one another',
  { skip: withoutRedis() },
  async () => {
    const server = await startRedis()
    const admin = createClient({ url: server.url })
    await admin.connect()
    const members: Member[] = []
    const all: Member[] = []
    const start = (version: Version, at: number): void => {
      members[at] = new Member(version, server.url, `host-${at}`)
      all.push(members[at])
    }
    const see = (what: string, check: (report: Partial<UpgradeReport>, version: Version) => boolean) =>
      until(
        () => members.every(({ report, version }) => check(report, version)),
        () => `${what}: ${JSON.stringify(members.map(({ version, report }) => [version, report]))}`,
        30_000,
      )
    const tell = (order: UpgradeOrder): void => members.forEach((each) => each.tell(order))
    const isClosed = ({ state, link }: Partial<UpgradeReport>): boolean =>
      state === 'closed' && link === 'live'
    const inFleet =
      (state: string) =>
      (report: Partial<UpgradeReport>): boolean =>
        report.state === state && report.scope === 'fleet'
    const replace = async (...places: number[]): Promise<void> => {
      for (const at of places) {
        const before = members[at]!
        start('new', at)
        await see('the new member works', isClosed)
        await before.end()
      }
    }
    const outage = async (what: string): Promise<void> => {
      tell('fail')
      await see(`${what} open`, inFleet('open'))
      tell('work')
      await see(`${what} close again`, isClosed)
    }
    try {
      for (let at = 0; at < 6; at++) start('old', at)
      await see('the old fleet works', isClosed)
      await outage('the old fleet')
      await replace(0, 2, 4)
      await outage('both fleets')
      members.find(({ version }) => version === 'new')!.tell('isolate')
      await see('the new fleet is isolated, the old one is not', (report, version) =>
        version === 'new' ? inFleet('isolated')(report) : isClosed(report),
      )
      members.find(({ version }) => version === 'new')!.tell('close')
      await see('the new fleet is closed', isClosed)
      const old = await admin.sendCommand(['DUMP', 'recloser:1:{payments}'])
      await replace(1, 3, 5)
      await outage('the new fleet')
      // A closed record expires after a minute.
      const later = await admin.sendCommand(['DUMP', 'recloser:1:{payments}'])
      if (later !== null) assert.deepEqual(later, old)
      for (const key of await admin.keys('*')) assert.match(key, /^recloser:[12]:\{payments\}$/)
      for (const each of members) {
        assert.ok(each.report.calls! > 10)
        await each.end()
      }
    } finally {
      all.forEach((each) => each.kill())
      admin.destroy()
      await server.stop()
    }
  },
)
