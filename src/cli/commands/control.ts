import type { ControlAction, ControlResult } from '../../dashboard/protocol.ts'
import { ADDRESS_OPTIONS, readAddress } from '../client/address.ts'
import { DashboardClient } from '../client/client.ts'
import { MANUAL_OPTIONS, ExitCode, Failure, type ManualCommand, type Command } from '../base/command.ts'
import { readDuration } from '../base/duration.ts'
import { cutNote, readReason } from '../fleet/reason.ts'
import { paintState } from '../table/states.ts'
import { period } from '../table/format.ts'
import { painter, type Paint } from '../base/io.ts'
import { jsonLine, printable } from '../base/text.ts'

interface ControlCommand extends ManualCommand {
  readonly action: ControlAction
}

const CHANGES: readonly ControlCommand[] = [
  {
    action: 'isolate',
    summary: 'isolate a breaker: reject every call until it is closed',
    details:
      'Every call is rejected, however long that takes, until `recloser close` or the program closes the circuit.',
    examples: [
      "recloser isolate http://127.0.0.1:3000/breakers payments --reason 'maintenance until 14:00'",
      'recloser isolate http://127.0.0.1:3000/breakers payments --json',
    ],
  },
  {
    action: 'open',
    summary: 'open a breaker for a time; then it admits probes',
    details: 'If it is already open, its open time restarts.',
    examples: [
      "recloser open http://127.0.0.1:3000/breakers payments --for 5m --reason 'deploying'",
      'recloser open http://127.0.0.1:3000/breakers payments',
    ],
    options: {
      for: {
        type: 'string',
        value: 'TIME',
        help: 'the open time: milliseconds, or 30s, 5m, 1h; the open time of a trip if left out',
      },
    },
  },
  {
    action: 'half-open',
    summary: 'admit probes now, and decide by their results',
    details:
      'As if the open time had passed: the next calls are probes. They close the circuit or open it again.',
    examples: ["recloser half-open http://127.0.0.1:3000/breakers payments --reason 'they say it is fixed'"],
  },
  {
    action: 'close',
    summary: 'close a breaker: admit calls again',
    details: 'Its counts and its escalation are reset.',
    examples: ["recloser close http://127.0.0.1:3000/breakers payments --reason 'fixed'"],
  },
]

/** Returns the command `recloser ACTION URL NAME`. */
function controlCommand({ action, summary, details, examples, options }: ControlCommand): Command {
  return {
    name: action,
    positionals: ['URL', 'NAME'],
    summary,
    details: `${details} It is not an error if the breaker is already in that state.`,
    examples,
    options: {
      reason: MANUAL_OPTIONS.reason,
      ...options,
      json: MANUAL_OPTIONS.json,
      ...ADDRESS_OPTIONS,
    },
    async run(input, { out }) {
      const id = input.positionals[1] ?? ''
      const { reason, ...told } = readReason(input.text('reason'))
      const length = input.text('for')
      const client = new DashboardClient(readAddress(input))
      const result = await client.control({
        id,
        action,
        ...(reason === '' ? {} : { reason }),
        ...(length === undefined ? {} : { for: readDuration('--for', length) }),
      })
      const { breaker } = result
      // An operator who isolates a breaker before maintenance must not believe that it is isolated when it is not.
      if (breaker.mode !== 'enforce') {
        throw new Failure(
          `${printable(id)} is still ${breaker.state}: it is in mode ${printable(breaker.mode)}, in which manual changes have no effect.`,
          "Set its `mode` to 'enforce' in the program first.",
        )
      }
      const text = (): string => [sentence(result, painter(out.color)), ...cutNote(told)].join(' ')
      await out.write(input.flag('json') ? jsonLine({ ...result, ...told }) : `${text()}\n`)
      return ExitCode.DONE
    },
  }
}

/** Returns a sentence such as `payments is open now (deploying, 30 s left).` */
function sentence(
  { changed, breaker: { id, state, reason, retryAfter, fleet } }: ControlResult,
  paint: Paint,
): string {
  const details = [
    ...(reason === null ? [] : [printable(reason)]),
    ...(state === 'open' && retryAfter !== null ? [`${period(retryAfter)} left`] : []),
  ]
  const more = details.length === 0 ? '' : ` (${details.join(', ')})`
  return `${printable(id)} is ${paintState(state, paint)} ${changed ? 'now' : 'already'}${more}.${reach(fleet)}`
}

/** Says which processes the change has reached, so that nobody takes one process for the whole fleet. */
function reach(fleet: ControlResult['breaker']['fleet'] | undefined): string {
  if (!fleet) return ''
  if (fleet.share === 'observe') return ' In that process only: it observes its fleet and does not change it.'
  if (fleet.link === 'degraded')
    return ' In that process only: its fleet cannot be reached, and receives the change later.'
  return ` On all processes of its fleet${fleet.link === 'live' ? '' : ', as soon as it can be reached'}.`
}

/** The commands that change the state of one breaker through a dashboard. */
export const controlCommands: readonly Command[] = CHANGES.map(controlCommand)
