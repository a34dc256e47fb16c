import assert from 'node:assert/strict'
import { fork, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import process from 'node:process'
import type { CircuitBreakerState } from '../../../../src/base/state.ts'
import { until } from '../../../helpers/until.ts'
import { PROBE_DEADLINE } from './history.ts'
import type { Command, MemberSettings, Message, Tally, View } from './member-messages.ts'

const PROGRAM = new URL('member-process.ts', import.meta.url)
/** Milliseconds within which an idle process must end by itself, even on a busy machine. */
const END_WITHIN = 10_000

// An interrupted test must not leave them running.
const children = new Set<ChildProcess>()
process.once('exit', () => children.forEach((child) => child.kill('SIGKILL')))

/** One process of the fleet, seen from the test. */
export class MemberProcess {
  readonly index: number
  readonly views: View[] = []
  /** All views that each breaker has reported. */
  readonly history: View[][] = []
  readonly #child: ChildProcess
  readonly #ended: Promise<unknown>
  readonly #answers = new Map<number, { resolve: (value: never) => void; reject: (error: Error) => void }>()
  #questions = 0
  #errors = ''
  #killed = false
  #ending: Promise<void> | undefined

  constructor(settings: MemberSettings) {
    this.index = settings.index
    const options = { execPath: process.execPath, execArgv: [], stdio: ['ignore', 'ignore', 'pipe', 'ipc'] }
    const child = fork(PROGRAM, [JSON.stringify(settings)], options as never)
    this.#child = child
    child.stderr?.setEncoding('utf8').on('data', (text: string) => (this.#errors += text))
    child.on('message', (message: Message) => this.#receive(message))
    child.on('error', () => {})
    this.#ended = once(child, 'exit')
    children.add(child)
    child.once('exit', () => {
      children.delete(child)
      for (const { reject } of this.#answers.values())
        reject(new Error(`${this.#who} is gone: ${this.#errors}`))
    })
  }

  get pid(): number {
    return this.#child.pid!
  }

  get running(): boolean {
    return this.#child.exitCode === null && this.#child.signalCode === null
  }

  get #who(): string {
    return `member ${this.index} (${this.#child.signalCode ?? this.#child.exitCode ?? 'running'})`
  }

  tell<T = unknown>(command: Command): Promise<T> {
    if (!this.running) return Promise.reject(new Error(`${this.#who} is gone: ${this.#errors}`))
    const id = ++this.#questions
    return new Promise<T>((resolve, reject) => {
      this.#answers.set(id, { resolve, reject })
      this.#child.send({ ...command, id }, (error) => error && reject(error))
    })
  }

  tally(): Promise<Tally> {
    return this.tell<Tally>({ do: 'tally' })
  }

  /** Waits until this many more calls of its breakers have ended, in total. */
  async calls(times: number): Promise<void> {
    const total = async (): Promise<number> =>
      Object.values((await this.tally()).ends).reduce((sum, each) => sum + each, 0)
    const enough = (await total()) + times
    await until(
      async () => (await total()) >= enough,
      () => `${times} calls of ${this.#who}`,
    )
  }

  /** Ends it without any clean-up, as in a power failure. */
  async kill(): Promise<void> {
    this.#killed = true
    this.#child.kill('SIGKILL')
    await this.#ended
  }

  /** Ends it and checks its tally: no error of the store, no epoch that went back, no long wait, and a clean exit. */
  end(): Promise<void> {
    return (this.#ending ??= this.#end())
  }

  async #end(): Promise<void> {
    if (this.#killed) return
    try {
      // Half of them dispose their breakers, the other half abandon them.
      const tally = await this.tell<Tally>({ do: 'end', tidily: this.index % 2 === 0 })
      const late = new Promise((resolve) => setTimeout(resolve, END_WITHIN, 'late').unref())
      assert.notEqual(
        await Promise.race([this.#ended, late]),
        'late',
        `${this.#who} does not end: ${this.#errors}`,
      )
      assert.equal(this.#child.exitCode, 0, `${this.#who}: ${this.#errors}`)
      assert.equal(this.#errors, '')
      assert.deepEqual(tally.foreign, [], `I6: ${this.#who} saw errors that are none of its dependency`)
      assert.deepEqual(tally.backward, [], `I1: ${this.#who} saw an epoch go back`)
      const most = PROBE_DEADLINE + 2 * tally.longestLag + 150
      assert.ok(
        tally.longestWait <= most,
        `I6: a call of ${this.#who} waited ${tally.longestWait} of ${most} ms`,
      )
    } finally {
      if (this.running) await this.kill()
    }
  }

  #receive(message: Message): void {
    if (message.type === 'view') {
      this.views[message.breaker] = message.view
      ;(this.history[message.breaker] ??= []).push(message.view)
      return
    }
    this.#answers.get(message.id)?.resolve(message.value as never)
    this.#answers.delete(message.id)
  }
}

/** Settings of all members, with overrides from `each`. */
export type FleetSettings = Omit<MemberSettings, 'index'> & {
  readonly each?: (index: number) => Partial<MemberSettings>
}

/** The processes of one fleet. */
export class Fleet {
  readonly members: readonly MemberProcess[]

  private constructor(members: readonly MemberProcess[]) {
    this.members = members
  }

  static async start(size: number, { each, ...settings }: FleetSettings): Promise<Fleet> {
    const all = Array.from({ length: size }, (_, index) => ({ ...settings, index, ...each?.(index) }))
    const fleet = new Fleet(all.map((own) => new MemberProcess(own)))
    await Promise.all(fleet.members.map((member) => member.tally()))
    return fleet
  }

  get living(): readonly MemberProcess[] {
    return this.members.filter((member) => member.running)
  }

  tell(command: Command): Promise<unknown[]> {
    return Promise.all(this.living.map((member) => member.tell(command)))
  }

  rate(perSecond: number): Promise<unknown> {
    return this.tell({ do: 'rate', perSecond })
  }

  /** Waits until this many more calls of each member have ended. */
  calls(times: number): Promise<unknown> {
    return Promise.all(this.living.map((member) => member.calls(times)))
  }

  /** Waits until the condition holds for each view of each member. */
  async see(
    what: string,
    condition: (view: View, member: MemberProcess) => boolean,
    within?: number,
  ): Promise<void> {
    await until(
      () => this.living.every((member) => member.views.every((view) => condition(view, member))),
      () => this.describe(what),
      within,
    )
  }

  describe(what: string): string {
    return [what, ...this.living.map((member) => `${member.index}: ${JSON.stringify(member.views)}`)].join(
      '\n',
    )
  }

  /**
   * Waits until all members are in this state at the same epoch, and checks that this took at most one interval + 1 s
   * after the first member learned of it, or after the last one regained its link to the store. Returns the epoch.
   */
  async agree(state: CircuitBreakerState, breaker = 0): Promise<number> {
    const views = (): View[] => this.living.map((member) => member.views[breaker]!)
    const agreed = (): boolean => {
      const [first] = views()
      return views().every(
        (view) =>
          view.link === 'live' &&
          view.fleet === state &&
          view.state === state &&
          view.epoch === first?.epoch &&
          (state === 'closed' || view.scope === 'fleet'),
      )
    }
    await until(agreed, () => this.describe(`all are ${state}`))
    const epoch = views()[0]!.epoch
    const since = this.living.map((member) => knewSince(member.history[breaker]!, epoch))
    const took =
      Math.max(...since.map(({ both }) => both)) -
      Math.max(Math.min(...since.map(({ known }) => known)), Math.max(...since.map(({ linked }) => linked)))
    const lag = Math.max(...(await Promise.all(this.living.map(async (m) => (await m.tally()).longestLag))))
    // An interval is 20 times the time of a reply, from 1 to 10 s, and a reply is never faster than the event loop.
    const interval = Math.min(10_000, Math.max(1_000, 20 * (lag + 5)))
    assert.ok(took <= interval + 1_000 + lag, `it took ${took} ms until all were ${state} (lag ${lag} ms)`)
    return epoch
  }

  /** Ends the processes; see `MemberProcess.end`. */
  async end(): Promise<void> {
    const ends = await Promise.allSettled(this.members.map((member) => member.end()))
    for (const each of ends) if (each.status === 'rejected') throw each.reason
  }
}

/** When a process first learned of an epoch, when its link last came up, and when both first held. */
function knewSince(history: readonly View[], epoch: number): { known: number; linked: number; both: number } {
  const first = history.find((view) => view.epoch === epoch)!
  const last = history.findLastIndex((view) => view.link !== 'live')
  const linked = history[last + 1]?.at ?? 0
  return {
    known: first.at,
    linked,
    both: Math.max(first.at, linked),
  }
}
