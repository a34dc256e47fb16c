import { reduce } from '../../storage/reducer/reduce.ts'
import { expectSame } from './expect.ts'
import { seeded } from './random.ts'
import { send } from './send.ts'
import { NAME, START, stagedCase, type Stage, type StorageCase, type StorageTarget } from './target.ts'
import { Traffic } from './traffic.ts'

const STEPS = 60

/** Returns a case in which the store and the specification execute random commands, and must give equal replies. */
export function differentialCases(target: StorageTarget, sequences: number, seed: number): StorageCase[] {
  const { setTime } = target
  if (!setTime || sequences === 0) return []
  const name = `random commands are answered as by the specification (${sequences} sequences from seed ${seed})`
  return [
    stagedCase(target, name, async (stage) => {
      for (let i = 0; i < sequences; i++) await compare(stage, (now) => setTime.call(target, now), seed + i)
    }),
  ]
}

async function compare(
  { target, storage }: Stage,
  setTime: (now: number) => void | Promise<void>,
  seed: number,
): Promise<void> {
  const traffic = new Traffic(seeded(seed))
  let now = START
  let stored: unknown
  let until = Infinity
  await target.clear()
  for (let step = 1; step <= STEPS; step++) {
    const { after, command } = traffic.next()
    now += after
    // A store may expire records by a clock that cannot be set, so the case expires them itself.
    if (!command || now >= until) {
      await target.clear()
      stored = undefined
      until = Infinity
    }
    if (!command) continue
    await setTime(now)
    const { record, reply, ttl } = reduce(stored, command, now)
    const answered = await send(storage, NAME, command)
    expectSame(answered, reply, `seed ${seed}, step ${step}, ${JSON.stringify(command)}`)
    stored = record
    if (ttl !== undefined) until = now + ttl
    traffic.learn(reply)
  }
}
