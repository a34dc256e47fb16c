import Opossum from 'opossum'
import { NotApplicable, OPEN_FOR } from './library.ts'
import type { Guard, Library, Settings, Task } from './library.ts'

type Action = [task: Task]
type Breaker = Opossum<Action>
type Options = Opossum.Options<Action>

/** opossum has no rule for consecutive failures: the closest is its rate, with that many calls as the minimum. */
function options({ failures, rate, openFor = OPEN_FOR, callTimeout, ignore }: Settings): Options {
  return {
    timeout: callTimeout ?? false,
    resetTimeout: openFor,
    volumeThreshold: rate?.minCalls ?? failures ?? 1,
    errorThresholdPercentage: (rate?.threshold ?? 0.5) * 100,
    ...(rate && { rollingCountTimeout: rate.window }),
    ...(ignore && { errorFilter: ignore }),
    // Its only signal belongs to the breaker rather than to a call; opossum replaces it in this object.
    ...(callTimeout && { abortController: new AbortController(), autoRenewAbortController: true }),
  }
}

function make(settings?: Options): Breaker {
  return new Opossum<Action>((task) => {
    const result = task(settings?.abortController?.signal)
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- typed for promises, but it accepts any result
    return result as Promise<unknown>
  }, settings)
}

function guard(breaker: Breaker): Guard {
  return {
    state() {
      return breaker.opened ? 'open' : breaker.halfOpen ? 'half-open' : 'closed'
    },
    call(task, signal) {
      if (signal) throw new NotApplicable('a call takes no signal')
      return breaker.fire(task)
    },
    reopenTime() {
      throw new NotApplicable('it does not tell when it re-opens')
    },
    dispose: () => breaker.shutdown(),
  }
}

function listen(breaker: Breaker, { listen: listener }: Settings): void {
  if (!listener) return
  breaker.on('success', () => listener.success?.())
  breaker.on('failure', () => listener.failure?.())
  breaker.on('open', () => listener.stateChange?.('open'))
  breaker.on('halfOpen', () => listener.stateChange?.('half-open'))
  breaker.on('close', () => listener.stateChange?.('closed'))
}

export const opossum: Library = {
  name: 'opossum',
  defaults: () => guard(make()),
  idle: () => new Opossum(async () => {}),
  guard(settings) {
    const breaker = make(options(settings))
    listen(breaker, settings)
    return guard(breaker)
  },
  pair(settings) {
    const shared = { ...options(settings), cache: true }
    return [guard(make(shared)), guard(make(shared))]
  },
  oneAtATime: async (settings) => guard(make({ ...options(settings), capacity: 1 })),
}
