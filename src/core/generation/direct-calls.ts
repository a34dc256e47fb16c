import type { Outcome } from '../../base/state.ts'

/** Takes the result of one call and hands it on, as the handlers of a promise do. */
export interface Handlers {
  readonly onFulfilled: <T>(value: T) => T
  /** `told`: the outcome, where that needs no classifying. */
  readonly onRejected: (error: unknown, told?: Outcome) => never
}

/** Admits direct calls: those of a closed circuit that need no permit, since nobody asks more than what became of them. */
export interface DirectCalls {
  /** Admits one; `undefined` if the circuit has changed meanwhile. */
  begin(): Handlers | undefined
}
