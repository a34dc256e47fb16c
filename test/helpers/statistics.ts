import { CircuitBreaker } from '../../src/index.ts'

/** Returns a function that counts the recorders that were attached from now on and are still attached. */
export function countStatistics(breaker: CircuitBreaker): () => number {
  const circuit = CircuitBreaker.circuitOf(breaker)!
  const attach = circuit.attach.bind(circuit)
  const attached = new Set<object>()
  circuit.attach = (statistics) => {
    attached.add(statistics)
    const detach = attach(statistics)
    return () => {
      attached.delete(statistics)
      detach()
    }
  }
  return () => attached.size
}
