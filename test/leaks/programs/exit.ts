// Leaves a breaker behind in the way that is named on the command line, and has nothing more to do.
import { CircuitBreaker } from '../../../src/index.ts'

const HOUR = 3_600_000
const endless = (): Promise<never> => new Promise(() => {})

const ways: Record<string, () => unknown> = {
  idle: () => new CircuitBreaker(),
  used: () => new CircuitBreaker({ callTimeout: HOUR }).call(() => 'done'),
  open: () => new CircuitBreaker({ timeoutDuration: HOUR }).open(),
  isolated: () => new CircuitBreaker().isolate(),
  'half-open': () => {
    const breaker = new CircuitBreaker({ probeTimeout: HOUR })
    breaker.halfOpen()
    void breaker.call(endless)
  },
  'with a call under way': () => void new CircuitBreaker({ callTimeout: HOUR }).call(endless),
  'with a permit': () => new CircuitBreaker().acquire(),
  'waiting for ready': () => {
    const breaker = new CircuitBreaker()
    breaker.open({ for: 300 })
    void breaker.ready().then(() => console.log(breaker.state))
  },
}

const way = ways[process.argv[2] ?? '']
if (!way) throw new Error(`unknown: ${process.argv[2]}`)
way()
