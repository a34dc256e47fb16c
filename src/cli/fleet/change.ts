import { userInfo } from 'node:os'
import { MANUAL } from '../../base/state.ts'
import { newNonce } from '../../fleet/identity.ts'
import type { ChangeCommand, Sender } from '../../storage/contract/commands.ts'
import { DAY, LONGEST_REASON, MOST, NO_MANUAL } from '../../storage/contract/limits.ts'
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
import type { RecordEntry } from './entry.ts'
import { cannotUse, withStore, type FleetStore } from './store.ts'

/** A manual change of the fleet's state. */
export type FleetChange =
  | { readonly to: 'open'; readonly openFor: number }
  | { readonly to: 'closed' | 'isolated'; readonly openFor?: undefined }

/** What distinguishes a command that changes the state of a fleet from the others. */
export interface FleetChangeCommand extends ManualCommand {
  readonly word: string
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
        help: 'allow a name without a record, such as that of a healthy closed breaker',
      },
      json: MANUAL_OPTIONS.json,
      ...FLEET_OPTIONS,
    },
    async run(input, io) {
      const name = input.positionals[0] ?? ''
      const command = toCommand(change(input), readReason(input.text('reason')))
      return withStore(input, io, async (store) => {
        const before = await store.find(name)
        if (before === undefined && !input.flag('new')) throw await unknownRecord(name, store)
        if (before && before.unusable !== null) throw cannotUse(before)
        const breaker = await store.change(name, command)
        const changed = before?.state !== breaker.state
        const result = { changed, breaker }
        await io.out.write(
          input.flag('json') ? jsonLine(result) : `${sentence(changed, breaker, painter(io.out.color))}\n`,
        )
        return ExitCode.DONE
      })
    },
  }
}

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

function readReason(text: string | undefined): string {
  const bytes = Buffer.byteLength(text ?? '')
  if (bytes > LONGEST_REASON) {
    throw new UsageError(`Expected --reason to have at most ${LONGEST_REASON} bytes, got ${bytes}`)
  }
  return text || MANUAL
}

function toCommand(change: FleetChange, reason: string): ChangeCommand {
  const base = {
    type: 'change',
    sender: operator(),
    reason,
    nonce: newNonce(),
    ifEpoch: null,
    ifManual: MOST,
    actor: 'cli',
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
  try {
    const name = `cli-${userInfo().username}`
    return /^[\w-]{1,32}$/.test(name) ? name : 'cli'
  } catch {
    // A container may run as a user without a name.
    return 'cli'
  }
}

/** Returns a sentence such as `payments is open now (deploying, 30 s left). All processes that share it are notified.` */
function sentence(changed: boolean, { name, state, reason, remaining }: RecordEntry, paint: Paint): string {
  const left = state !== 'open' || remaining === null ? undefined : remaining
  const details = [
    printable(reason),
    ...(left === undefined ? [] : [left === 0 ? 'the next calls are probes' : `${period(left)} left`]),
  ]
  const statement = `${truncate(printable(name), 80)} is ${paintState(state, paint)} ${changed ? 'now' : 'already'}`
  return `${statement} (${details.join(', ')}). All processes that share it are notified.`
}

/** Explains that there is no such record. Nobody must believe that a breaker is isolated when its name was misspelled. */
async function unknownRecord(name: string, store: FleetStore): Promise<Failure> {
  const names = (await store.list()).map((entry) => entry.name)
  const similar = suggest(name, names)
  const guess = similar.length === 0 ? '' : `${didYouMean(similar)} `
  return new Failure(
    `There is no record of ${quote(name)} at ${store.address}.`,
    `${guess}A healthy closed breaker often has none: if the name is right, add --new.`,
  )
}
