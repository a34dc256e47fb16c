// Which probe the running code belongs to. A call of the same breaker inside of a probe must be part of it: as a call of
// its own it would be rejected, since the probe has taken the place, and the circuit would never close.

import type { Whole } from './request.ts'

/** The subset of `node:async_hooks` that this module uses. */
interface AsyncHooks {
  readonly AsyncLocalStorage: new () => {
    run<R>(scope: Scope, fn: () => R): R
    getStore(): Scope | undefined
    disable(): void
  }
}

interface Process {
  getBuiltinModule?: (name: string) => AsyncHooks | undefined
}

/** A probe, as a call that is part of it sees it. */
export interface EnclosingProbe extends Whole {
  isOf(circuit: object): boolean
}

interface Scope {
  readonly probe: EnclosingProbe
  readonly outer: Scope | undefined
}

const { process } = globalThis as { process?: Process }

// Created for the first probe, and disabled while there is none: in Node 20 and 22 it slows down every promise of the
// process.
let storage: InstanceType<AsyncHooks['AsyncLocalStorage']> | undefined
// Held weakly: nothing else may be left of a probe that hangs, and of its breaker.
const inFlight = new WeakSet<object>()
let count = 0
const dropped = globalThis.FinalizationRegistry && /* @__PURE__ */ new FinalizationRegistry(release)

/**
 * Returns the innermost scope whose probe is in flight, of `circuit` if given. A scope outlives its probe in the timers
 * and sockets that were created in it.
 */
function find(circuit?: object): Scope | undefined {
  const fits = ({ probe }: Scope): boolean => inFlight.has(probe) && (!circuit || probe.isOf(circuit))
  let scope = storage?.getStore()
  while (scope && !fits(scope)) scope = scope.outer
  return scope
}

/** Runs `fn` as part of a probe. */
export function runInProbe<R>(probe: EnclosingProbe, fn: () => R): R {
  const Storage = process?.getBuiltinModule?.('node:async_hooks')?.AsyncLocalStorage
  if (!Storage) return fn()
  storage ??= new Storage()
  if (!inFlight.has(probe)) {
    inFlight.add(probe)
    count++
    dropped?.register(probe, undefined, probe)
  }
  return storage.run({ probe, outer: find() }, fn)
}

/** Returns the probe of `circuit` that the running code is part of. */
export function enclosingProbe(circuit: object): EnclosingProbe | undefined {
  return find(circuit)?.probe
}

/** Ends the scope of a probe: it is settled, its lease has expired, or its period has ended. */
export function leaveProbe(probe: object): void {
  if (!inFlight.delete(probe)) return
  dropped?.unregister(probe)
  release()
}

function release(): void {
  if (--count > 0) return
  try {
    storage?.disable()
  } catch {
    // Cloudflare Workers does not implement it.
  }
}
