// A program: breakers in every state, and calls that never end. It has no other work, so the process must exit.
import { CircuitBreaker, failureRate } from '../../../../src/index.ts'

const hour = 3_600_000
const open = new CircuitBreaker({ failMax: 1, timeoutDuration: hour })
await open.call(() => Promise.reject(new Error('down'))).catch(() => {})
await open.call(() => 1).catch(() => {})

const halfOpen = new CircuitBreaker({ probeTimeout: hour })
halfOpen.halfOpen()
halfOpen.acquire()

const isolated = new CircuitBreaker()
isolated.isolate()

const windowed = new CircuitBreaker({
  trip: failureRate({ threshold: 0.5, window: hour }),
  attemptDecay: hour,
})
void windowed.call(() => new Promise(() => {}))

const limited = new CircuitBreaker({ callTimeout: hour })
await limited.call(() => 1)

console.log([open, halfOpen, isolated, windowed].map(({ state }) => state).join())
