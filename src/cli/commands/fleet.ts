import { ExitCode, UsageError, type Command } from '../base/command.ts'
import { FLEET_OPTIONS } from '../fleet/address.ts'
import { readOpenFor, fleetChangeCommand, type FleetChangeCommand } from '../fleet/change.ts'
import { withStore } from '../fleet/store.ts'
import { fleetTable } from '../fleet/table.ts'
import { painter } from '../base/io.ts'
import { truncate } from '../table/width.ts'
import { jsonLine } from '../base/text.ts'

const list: Command = {
  name: 'fleet',
  positionals: [],
  summary: 'list the breakers that processes share through Redis or Valkey, the worst first',
  details: `It reads the records themselves, and changes nothing. scope: fleet, all processes apply the record; local, the
fleet is closed, but a process may have opened its own breaker. reporters: the number of hosts on which calls failed
recently; a record counts at most eight at a time. by: who changed the state manually, cli:USER for this command;
otherwise the reporter of the host that changed it. reported: when processes last reported calls, to the minute.

A closed breaker is listed for five minutes after its processes last reported calls, and for a day if it was changed
manually: one that is not called is not listed. A Cluster is detected. For Sentinel, give the address of one Sentinel
and --sentinel. The command uses the client that your project has installed: redis, ioredis or iovalkey.`,
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
      if (input.flag('json')) await out.write(jsonLine({ store: store.address, breakers: entries }))
      else if (entries.length === 0) await out.write(`${truncate(noRecords(store.address), out.columns)}\n`)
      else await out.write(`${fleetTable(entries, out.columns, painter(out.color)).join('\n')}\n`)
      return ExitCode.DONE
    }),
}

const noRecords = (address: string): string =>
  `There is no record at ${address}: no breaker has made a call there in the last minutes.`

const CHANGES: readonly FleetChangeCommand[] = [
  {
    word: 'isolate',
    summary: 'isolate a breaker on all processes: reject every call until it is closed',
    details:
      'Every call is rejected, however long that takes, until `recloser fleet close` or a program closes the circuit.',
    examples: [
      "recloser fleet isolate payments --redis redis://127.0.0.1:6379 --reason 'maintenance until 14:00'",
    ],
    change: () => ({ to: 'isolated' }),
  },
  {
    word: 'open',
    summary: 'open a breaker on all processes for a time; then it admits probes',
    details: 'If it is already open, its open time restarts.',
    examples: ['recloser fleet open payments --for 5m --redis redis://127.0.0.1:6379 --reason deploying'],
    options: {
      for: {
        type: 'string',
        value: 'TIME',
        help: 'the open time: milliseconds, or 30s, 5m, 1h; at most 24h',
      },
    },
    change: (input) => {
      const text = input.text('for')
      if (text === undefined) throw new UsageError('--for is missing: --for 30s')
      return { to: 'open', openFor: readOpenFor(text) }
    },
  },
  {
    word: 'half-open',
    summary: 'admit probes of the fleet now, and decide by their results',
    details:
      'As if the open time had passed: the next calls of all processes are probes, as many as the breaker allows. They close the circuit or open it again.',
    examples: ['recloser fleet half-open payments --redis redis://127.0.0.1:6379'],
    idleIn: 'half-open',
    // An opening that is due at once. Only the breakers know their `halfOpen` options, so one of them has to start the
    // half-open period.
    change: () => ({ to: 'open', openFor: 0 }),
  },
  {
    word: 'close',
    summary: 'close a breaker on all processes: admit calls again',
    details: 'Its counts and its escalation are reset. One that is closed already is left as it is.',
    examples: ['recloser fleet close payments --redis redis://127.0.0.1:6379 --reason fixed'],
    idleIn: 'closed',
    change: () => ({ to: 'closed' }),
  },
]

/** The commands for breakers that processes share. */
export const fleetCommands: readonly Command[] = [list, ...CHANGES.map(fleetChangeCommand)]
