// A program: rejections while `Error` is not writable. Node freezes all intrinsics under --frozen-intrinsics; for
// runtimes without that flag, the program freezes those that matter itself.
import { CircuitBreaker, isCircuitBreakerError } from '../../../../src/index.ts'

Object.freeze(Error)
Object.freeze(Error.prototype)
Object.freeze(Promise.prototype)

const breaker = new CircuitBreaker({ failMax: 1, name: 'frozen' })
const reasons: string[] = []
breaker.addListener({ rejected: ({ error }) => reasons.push(error.reason) })
await breaker.call(() => Promise.reject(new Error('down'))).catch(() => {})
const rejections: unknown[] = []
await breaker.call(() => 1).catch((error: unknown) => rejections.push(error))
try {
  breaker.acquire()
} catch (error) {
  rejections.push(error)
}
const [first] = rejections
console.log(
  JSON.stringify({
    all: rejections.length === 2 && rejections.every((error) => isCircuitBreakerError(error)),
    name: isCircuitBreakerError(first) ? first.name : undefined,
    cause: isCircuitBreakerError(first) && first.cause instanceof Error ? first.cause.message : undefined,
    writable: Object.getOwnPropertyDescriptor(Error, 'stackTraceLimit')?.writable ?? false,
    reasons,
  }),
)
