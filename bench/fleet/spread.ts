// Measures how soon an opening reaches all processes that share a breaker, and how many of them probe.
import { fork, type ChildProcess } from 'node:child_process'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Command, Message } from './member.ts'
import { median } from '../median.ts'

const PROCESSES = 16
const RACERS = 200
const RACING_PROCESSES = 8

export interface Spread {
  /** Milliseconds by which the other processes know of the opening later than the one that decided it. */
  readonly reach: { readonly median: number; readonly p99: number; readonly count: number }
  /** The number of probes that 200 racing members sent; 3 are allowed. */
  readonly probes: number
}

export async function measureSpread(url: string, quick: boolean): Promise<Spread> {
  return { reach: await measureReach(url, quick ? 2 : 20), probes: await countProbes(url) }
}

/** A process and the messages that it has sent. */
class Member {
  readonly #child: ChildProcess
  #messages: Message[] = []
  #wake = (): void => {}

  constructor(url: string, breakers: number) {
    this.#child = fork(new URL('member.ts', import.meta.url), [url, String(breakers)])
    this.#child.on('message', (message: Message) => {
      this.#messages.push(message)
      this.#wake()
    })
    this.#child.once('exit', (code) => {
      if (code) throw new Error(`A process of the fleet ended with ${code}`)
    })
  }

  send(command: Command): void {
    this.#child.send(command)
  }

  /** Removes and returns the first message of this kind; waits for one if there is none yet. */
  async next<Kind extends Message['type']>(kind: Kind): Promise<Extract<Message, { type: Kind }>> {
    for (;;) {
      const at = this.#messages.findIndex(({ type }) => type === kind)
      if (at >= 0) return this.#messages.splice(at, 1)[0] as Extract<Message, { type: Kind }>
      await new Promise<void>((resolve) => (this.#wake = resolve))
    }
  }

  end(): void {
    this.#child.removeAllListeners('exit')
    this.#child.kill('SIGKILL')
  }
}

async function withMembers<T>(
  url: string,
  count: number,
  breakers: number,
  run: (members: readonly Member[]) => Promise<T>,
): Promise<T> {
  const members = Array.from({ length: count }, () => new Member(url, breakers))
  try {
    await all(members, { do: 'take part' })
    return await run(members)
  } finally {
    for (const member of members) member.end()
  }
}

async function all(members: readonly Member[], command: Command): Promise<void> {
  for (const member of members) member.send(command)
  await Promise.all(members.map((member) => member.next('done')))
}

/** Two failures on two hosts open the fleet: the process that reports the second one decides. */
function measureReach(url: string, rounds: number): Promise<Spread['reach']> {
  return withMembers(url, PROCESSES, 1, async (members) => {
    const times: number[] = []
    for (let round = 0; round < rounds; round++) {
      await all(members, { do: 'take part' })
      // A breaker reacts to a hint at most once a second (F23).
      await sleep(1_500)
      const failing = [members[round % PROCESSES]!, members[(round + 1) % PROCESSES]!]
      for (const member of failing) member.send({ do: 'fail' })
      const opened = await Promise.all(members.map((member) => member.next('open')))
      await Promise.all(failing.map((member) => member.next('done')))
      const decided = Math.min(...opened.map(({ at }) => at))
      times.push(
        ...opened
          .map(({ at }) => at - decided)
          .toSorted((a, b) => a - b)
          .slice(1),
      )
      members[(round + 2) % PROCESSES]!.send({ do: 'close' })
      await Promise.all(members.map((member) => member.next('closed')))
      await members[(round + 2) % PROCESSES]!.next('done')
    }
    const sorted = times.toSorted((a, b) => a - b)
    return {
      median: median(sorted),
      p99: sorted[Math.ceil(sorted.length * 0.99) - 1]!,
      count: sorted.length,
    }
  })
}

function countProbes(url: string): Promise<number> {
  return withMembers(url, RACING_PROCESSES, RACERS / RACING_PROCESSES, async (members) => {
    await all(members, { do: 'rest' })
    members[0]!.send({ do: 'open', for: 1_000 })
    await members[0]!.next('done')
    await sleep(1_500)
    for (const member of members) member.send({ do: 'race' })
    const probes = await Promise.all(members.map((member) => member.next('probes')))
    return probes.reduce((sum, { count }) => sum + count, 0)
  })
}
