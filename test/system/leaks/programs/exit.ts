// Leaves a breaker behind in the way named on the command line, with nothing else to do.
import { CircuitBreaker, type CircuitBreakerOptions } from '../../../../src/index.ts'
import { superviseCall } from '../../../../src/integrations/adapter.ts'
import { MemoryStorage } from '../../../../src/storage/index.ts'

const HOUR = 3_600_000
const endless = (): Promise<never> => new Promise(() => {})

/** A member of a fleet that has read the record. */
async function member(
  given: CircuitBreakerOptions = {},
  storage = new MemoryStorage(),
): Promise<CircuitBreaker> {
  const breaker = new CircuitBreaker({ name: 'payments', storage, failMax: 1, ...given })
  await breaker.call(() => 'done')
  await new Promise((resolve) => void setTimeout(resolve, 20))
  return breaker
}

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
  'with a call under way': () => void new CircuitBreaker().call(endless),
  'with a permit': () => new CircuitBreaker().acquire(),
  'used in a fleet': () => member(),
  'open in a fleet': async () => (await member()).open({ for: HOUR }),
  'open by itself in a fleet': async () => {
    await (await member()).call(() => Promise.reject(new Error('down'))).catch(() => {})
  },
  'with a lease that nobody uses': async () => {
    const breaker = await member()
    breaker.halfOpen()
    await new Promise((resolve) => void setTimeout(resolve, 20))
    breaker.tryAcquire()
  },
  'with a store that does not answer': () => member({}, new MemoryStorage({ faults: { before: endless } })),
  'waiting for a timeout': async () => {
    const breaker = new CircuitBreaker({ callTimeout: 20 })
    const supervised = superviseCall(breaker)
    const answers = [
      await breaker.run(endless, { fallback: () => 'run' }),
      await breaker.call(endless).catch(({ code }: { code: string }) => code),
      await breaker.wrap(endless, { fallback: () => 'wrap' })(),
      await supervised.send(endless).catch(({ code }: { code: string }) => code),
      await new CircuitBreaker().run(endless, { callTimeout: 20, fallback: () => 'its own' }),
    ]
    console.log(answers.join())
  },
  'waiting for ready': () => {
    const breaker = new CircuitBreaker()
    breaker.open({ for: 300 })
    void breaker.ready().then(() => console.log(breaker.state))
  },
}

const way = ways[process.argv[2] ?? '']
if (!way) throw new Error(`unknown: ${process.argv[2]}`)
await way()
