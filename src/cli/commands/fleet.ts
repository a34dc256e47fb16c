import type { Command } from '../base/command.ts'
import { ExitCode } from '../base/exit.ts'
import { FLEET_OPTIONS } from '../fleet/address.ts'
import { withStore } from '../fleet/store.ts'
import { fleetTable } from '../fleet/table.ts'
import { painter } from '../table/paint.ts'
import { truncate } from '../table/width.ts'
import { jsonLine } from '../base/text.ts'

export const fleet: Command = {
  name: 'fleet',
  positionals: [],
  summary: 'list the breakers that processes share on Redis or Valkey, the worst first',
  details: `It reads the records themselves, and changes nothing. scope: fleet, all processes go by the record; local, the
fleet is closed, and a process may still have opened its own breaker. reporters: on how many hosts calls have failed of
late, at most eight are known. by: the host that changed the state, as its reporter is called, or cli-USER.

A breaker that is closed has a record only while there are counts to share: one without calls has none, and with a
rule over consecutive failures one that is well neither. A Cluster is noticed by itself; of Sentinel,
give the address of one and --sentinel. The client is the one that your project has installed: redis, ioredis or iovalkey.`,
  examples: [
    'recloser fleet --redis redis://127.0.0.1:6379',
    'recloser fleet --redis rediss://operator@redis.example:6380 --json',
    'recloser fleet --redis redis://sentinel.example:26379 --sentinel mymaster',
  ],
  options: {
    json: { type: 'boolean', help: 'print { "store", "breakers" } as JSON, or { "error", "advice" }' },
    ...FLEET_OPTIONS,
  },
  run: (input, io) =>
    withStore(input, io, async (store) => {
      const { out } = io
      const entries = await store.list()
      if (input.flag('json')) await out.write(jsonLine({ store: store.place, breakers: entries }))
      else if (entries.length === 0) await out.write(`${truncate(nothing(store.place), out.columns)}\n`)
      else await out.write(`${fleetTable(entries, out.columns, painter(out.colour)).join('\n')}\n`)
      return ExitCode.DONE
    }),
}

const nothing = (place: string): string => `There is no record at ${place}: no breaker is in use there.`
