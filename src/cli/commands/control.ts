import type { ControlAction, ControlResult } from '../../dashboard/protocol.ts'
import { ADDRESS_OPTIONS, readAddress } from '../client/address.ts'
import { DashboardClient } from '../client/client.ts'
import type { Command, OptionSpec } from '../base/command.ts'
import { readDuration } from '../base/duration.ts'
import { ExitCode, Failure, UsageError } from '../base/exit.ts'
import { paintState } from '../table/states.ts'
import { period } from '../table/format.ts'
import { painter, type Paint } from '../table/paint.ts'
import { jsonLine, printable } from '../base/text.ts'

/** What sets one of the commands apart that change a breaker's state by hand. */
export interface ControlCommand {
  readonly action: ControlAction
  readonly summary: string
  readonly details: string
  readonly examples: readonly string[]
  readonly options?: Readonly<Record<string, OptionSpec>>
}

/** A command `recloser ACTION URL NAME`. */
export function controlCommand({ action, summary, details, examples, options }: ControlCommand): Command {
  return {
    name: action,
    positionals: ['URL', 'NAME'],
    summary,
    details: `${details} It is no error if the breaker is in that state already.`,
    examples,
    options: {
      reason: { type: 'string', value: 'TEXT', help: 'why, for everyone to see' },
      ...options,
      json: { type: 'boolean', help: 'print { "changed", "breaker" } as JSON, or { "error", "advice" }' },
      ...ADDRESS_OPTIONS,
    },
    async run(input, { out }) {
      const id = input.positionals[1] ?? ''
      const reason = checkReason(input.text('reason'))
      const length = input.text('for')
      const client = new DashboardClient(readAddress(input))
      const result = await client.control({
        id,
        action,
        ...(reason === undefined ? {} : { reason }),
        ...(length === undefined ? {} : { for: readDuration('--for', length) }),
      })
      const { breaker } = result
      // Whoever holds a breaker before maintenance must not go on believing that it is held.
      if (breaker.mode !== 'enforce') {
        throw new Failure(
          `${printable(id)} is still ${breaker.state}: it is in mode ${printable(breaker.mode)}, in which nothing is changed by hand.`,
          "Set its `mode` to 'enforce' in the program first.",
        )
      }
      await out.write(input.flag('json') ? jsonLine(result) : `${sentence(result, painter(out.colour))}\n`)
      return ExitCode.DONE
    },
  }
}

/** Such as `payments is open now (deploying, 30 s left).` */
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

/** Nobody must believe that all processes have heard of it where they have not. */
function reach(fleet: ControlResult['breaker']['fleet'] | undefined): string {
  if (!fleet) return ''
  if (fleet.share === 'observe') return ' In that process only: it observes its fleet and tells it nothing.'
  if (fleet.link === 'degraded')
    return ' In that process only: its fleet is out of reach, and is told when it is back.'
  return ` On all processes of its fleet${fleet.link === 'live' ? '' : ', as soon as that is reached'}.`
}

const LONGEST_REASON = 500

function checkReason(reason: string | undefined): string | undefined {
  if (reason !== undefined && reason.length > LONGEST_REASON) {
    throw new UsageError(
      `Expected --reason to have at most ${LONGEST_REASON} characters, got ${reason.length}`,
    )
  }
  return reason
}
