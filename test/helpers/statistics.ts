import { CircuitBreaker } from '../../src/index.ts'

/** Counts the recorders that are attached to a breaker from now on. */
export function countStatistics(breaker: CircuitBreaker): () => number {
  const circuit = CircuitBreaker.circuitOf(breaker)!
  const attach = circuit.attach.bind(circuit)
  const attached = new Set<object>()
  circuit.attach = (recorder) => {
    attached.add(recorder)
    const detach = attach(recorder)
    return () => {
      attached.delete(recorder)
      detach()
    }
  }
  return () => attached.size
}
