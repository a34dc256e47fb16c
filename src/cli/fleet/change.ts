import { userInfo } from 'node:os'
import type { CircuitBreakerState } from '../../base/state.ts'
import { newNonce } from '../../fleet/identity.ts'
import { toText } from '../../fleet/manual-changes.ts'
import type { ManualChangeCommand, Sender } from '../../storage/contract/commands.ts'
import { DAY, LONGEST_ACTOR, NO_MANUAL } from '../../storage/contract/limits.ts'
import {
  MANUAL_OPTIONS,
  ExitCode,
  Failure,
  UsageError,
  type ManualCommand,
  type Command,
  type Input,
} from '../base/command.ts'
import { readDuration } from '../base/duration.ts'
import { didYouMean, suggest } from '../base/suggestions.ts'
import { period } from '../table/format.ts'
import { painter, type Paint } from '../base/io.ts'
import { paintState } from '../table/states.ts'
import { truncate } from '../table/width.ts'
import { jsonLine, printable, quote } from '../base/text.ts'
import { FLEET_OPTIONS } from './address.ts'
import { authorOf, type RecordEntry } from './entry.ts'
import { cutNote, readReason } from './reason.ts'
import { cannotUse, withStore, type FleetStore } from './store.ts'

/** A manual change of the fleet's state. */
export type FleetChange =
  | { readonly to: 'open'; readonly openFor: number }
  | { readonly to: 'closed' | 'isolated'; readonly openFor?: undefined }

/** What distinguishes a command that changes the state of a fleet from the others. */
export interface FleetChangeCommand extends ManualCommand {
  readonly word: string
  /** The state in which the change would have no effect, and so is not made (F9b). */
  readonly idleIn?: CircuitBreakerState
  /** @throws {UsageError} when an option is missing or invalid. */
  readonly change: (input: Input) => FleetChange
}

/** Returns the command `recloser fleet WORD NAME`. */
export function fleetChangeCommand({
  word,
  summary,
  details,
  examples,
  options,
  idleIn,
  change,
}: FleetChangeCommand): Command {
  return {
    name: `fleet ${word}`,
    positionals: ['NAME'],
    summary,
    details: `${details} It applies to every process that shares the breaker, as soon as that refreshes: usually immediately.
If the store cannot be reached, nothing is changed and the command fails.`,
    examples,
    options: {
      reason: MANUAL_OPTIONS.reason,
      ...options,
      new: {
        type: 'boolean',
        help: 'allow a name without a record: no process has reported calls in the last minutes',
      },
      json: MANUAL_OPTIONS.json,
      ...FLEET_OPTIONS,
    },
    async run(input, io) {
      const name = input.positionals[0] ?? ''
      const wanted = change(input)
      const { reason, ...told } = readReason(input.text('reason'))
      return withStore(input, io, async (store) => {
        const before = await store.find(name)
        if (before === undefined && !input.flag('new')) throw await unknownRecord(name, store)
        if (before && before.unusable !== null) throw cannotUse(before)
        const isIdle = before !== undefined && before.state === idleIn
        const breaker = isIdle ? before : await store.change(name, toCommand(wanted, reason, before))
        const changed = before?.state !== breaker.state
        const result = { changed, breaker, ...told }
        const { out } = io
        if (input.flag('json')) await out.write(jsonLine(result))
        else {
          const paint = painter(out.color)
          const facts = isIdle
            ? 'Nothing was changed.'
            : [...history(before, breaker, reason), ...cutNote(told), NOTIFIED].join(' ')
          await out.write(`${statement(changed, breaker, paint)} ${facts}\n`)
        }
        return ExitCode.DONE
      })
    },
  }
}

const NOTIFIED = 'All processes that share it are notified.'

/**
 * Parses the length of an opening, in milliseconds.
 *
 * @throws {UsageError} when it is invalid, or longer than a record can hold.
 */
export function readOpenFor(text: string): number {
  const ms = readDuration('--for', text)
  if (ms > DAY) throw new UsageError(`Expected --for to be at most 24h, got ${quote(text)}`)
  return Math.ceil(ms)
}

/** Returns the command for a change of the record as it was read, so that it undoes no newer one (F9b). */
function toCommand(
  change: FleetChange,
  reason: string,
  before: RecordEntry | undefined,
): ManualChangeCommand {
  const base = {
    type: 'change',
    sender: operator(),
    reason,
    nonce: newNonce(),
    ifEpoch: null,
    ifManual: before?.manual.epoch ?? 0,
    actor: toText(`cli:${userName()}`.replace(/:$/, ''), LONGEST_ACTOR),
  } as const
  return change.to === 'open' ? { ...base, ...change } : { ...base, to: change.to }
}

/** Returns the command line as a sender. It knows nothing that the record could adopt (F12). */
function operator(): Sender {
  const nothing = {
    state: 'closed',
    epoch: 0,
    remaining: 0,
    attempt: 0,
    decay: 0,
    reason: '',
    by: '',
    manual: NO_MANUAL,
    ramped: null,
    ramp: 0,
  } as const
  return { ...nothing, reporter: operatorName() }
}

/** Returns the operator's name for the record, in place of a reporter: `by cli-alice`. */
function operatorName(): string {
  const name = `cli-${userName()}`
  return /^cli-[\w-]{1,28}$/.test(name) ? name : 'cli'
}

/** Returns the name of the operating system's user, or `''`: a container may run as a user without a name. */
function userName(): string {
  try {
    return userInfo().username
  } catch {
    return ''
  }
}

/** Returns the beginning of a sentence such as `payments is open now (deploying, 30 s left).` */
function statement(changed: boolean, { name, state, reason, remaining }: RecordEntry, paint: Paint): string {
  const left = state !== 'open' || remaining === null ? undefined : remaining
  const details = [
    ...(reason === '' ? [] : [printable(reason)]),
    ...(left === undefined ? [] : [left === 0 ? 'the next calls are probes' : `${period(left)} left`]),
  ]
  const more = details.length === 0 ? '' : ` (${details.join(', ')})`
  return `${truncate(printable(name), 80)} is ${paintState(state, paint)} ${changed ? 'now' : 'already'}${more}.`
}

const BEGUN: Partial<Record<CircuitBreakerState, string>> = { open: 'opened', isolated: 'isolated' }

/** Says whose opening or isolation was ended or amended, and what has become of its reason. */
function history(before: RecordEntry | undefined, after: RecordEntry, reason: string): string[] {
  const verb = before && BEGUN[before.state]
  if (verb === undefined) return []
  const by = authorOf(before!)
  const was = `It had been ${verb}${by === '' ? '' : ` by ${by}`}: ${printable(before!.reason)}.`
  if (before!.state !== after.state) return [was]
  if (reason === '') return [was, 'The reason is kept.']
  return before!.reason === after.reason ? [was] : [was, 'The reason is replaced.']
}

/** Explains that there is no such record. Nobody must believe that a breaker is isolated when its name was misspelled. */
async function unknownRecord(name: string, store: FleetStore): Promise<Failure> {
  const names = (await store.list()).map((entry) => entry.name)
  const similar = suggest(name, names)
  const guess = similar.length === 0 ? '' : `${didYouMean(similar)} `
  return new Failure(
    `There is no record of ${quote(name)} at ${store.address}.`,
    `${guess}A breaker that has made no call in the last minutes has none: if the name is right, add --new.`,
  )
}
