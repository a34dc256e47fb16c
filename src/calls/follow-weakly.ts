import { reasonOf } from '../base/signal.ts'

// A signal does not hold its controller, and whatever uses the signal must keep it alive.
const controllers = new WeakMap<AbortSignal, AbortController>()
// One listener for each source: removing one of many takes long.
const targetsOf = new WeakMap<AbortSignal, Set<WeakRef<AbortSignal>>>()
// Not all edge runtimes have it. Without it a weak reference is left of each signal.
const ends = globalThis.FinalizationRegistry && new FinalizationRegistry<() => void>((end) => end())

/** Aborts the controller when `source` aborts, for as long as anything uses the controller's signal. */
export function followWeakly(source: AbortSignal, controller: AbortController): void {
  const { signal } = controller
  const target = new WeakRef(signal)
  const targets = targetsOf.get(source) ?? listen(source)
  controllers.set(signal, controller)
  targets.add(target)
  ends?.register(signal, () => targets.delete(target))
}

function listen(source: AbortSignal): Set<WeakRef<AbortSignal>> {
  const targets = new Set<WeakRef<AbortSignal>>()
  const abort = (): void => {
    const reason = reasonOf(source)
    for (const target of targets) {
      const signal = target.deref()
      if (signal) controllers.get(signal)?.abort(reason)
    }
  }
  source.addEventListener('abort', abort, { once: true })
  targetsOf.set(source, targets)
  return targets
}
