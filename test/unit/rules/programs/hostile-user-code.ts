// A program: all user code rejects, and no rejection may be left unhandled.
import {
  CircuitBreaker,
  exponentialBackoff,
  honorRetryAfter,
  isCircuitBreakerError,
} from '../../../../src/index.ts'
import { narrator } from '../../../helpers/events.ts'

const unhandled: string[] = []
process.on('unhandledRejection', (reason) => unhandled.push(String(reason)))

const rejects = () => Promise.reject(new Error('hostile'))
const bad = rejects as () => never
const common = { listeners: [narrator(rejects)], onListenerError: rejects, random: bad, failMax: 1 }

const results: unknown[] = []
const clocked = new CircuitBreaker({ ...common, clock: { now: bad } })
results.push(await clocked.call(() => 1))
clocked.open()
clocked.tryAcquire()

const durations = [bad, honorRetryAfter(bad), exponentialBackoff({ initial: 10 })]
for (const timeoutDuration of durations) {
  const breaker = new CircuitBreaker({ ...common, timeoutDuration })
  await breaker
    .call(() => Promise.reject(new Error('down')))
    .catch((error: Error) => results.push(error.message))
  await breaker
    .call(() => 1)
    .catch((error: unknown) => results.push(isCircuitBreakerError(error) && error.reason))
}
const classifiers = [{ exclude: [bad] }, { classifyError: bad }, { classifyResult: bad }]
for (const options of classifiers) {
  const breaker = new CircuitBreaker({ ...common, ...options })
  await breaker.call(() => 1)
  await breaker.call(() => Promise.reject(new Error('down'))).catch(() => {})
}
// A task outlives its timeout without a caller. The breaker's timer does not keep the process alive; this one does.
const alive = setInterval(() => {}, 1_000)
const limited = new CircuitBreaker({ ...common, callTimeout: 1 })
const afterwards = ({ signal }: { signal: AbortSignal }) =>
  new Promise((_resolve, reject) => signal.addEventListener('abort', () => reject(new Error('afterwards'))))
await limited.run(afterwards).catch(() => {})

await new Promise((resolve) => setTimeout(resolve, 10))
clearInterval(alive)
console.log(JSON.stringify({ results: [...new Set(results)], unhandled }))
