import type { CircuitEvents, Hook } from './events.ts'

/** As much of `node:diagnostics_channel` as is used. */
interface Channel<T> {
  readonly hasSubscribers: boolean
  publish(message: T): void
}

interface TracingChannel<T> {
  readonly hasSubscribers: boolean
  tracePromise<R>(fn: () => Promise<R>, context: T): Promise<R>
  traceSync<R>(fn: () => R, context: T): R
}

interface DiagnosticsChannels {
  channel<T>(name: string): Channel<T>
  tracingChannel<T>(name: string): TracingChannel<T>
}

interface Process {
  getBuiltinModule?: (name: string) => DiagnosticsChannels | undefined
}

/** What subscribers of `recloser:call` are given; they find the result in `result`, or the error in `error`. */
export interface TracedCall {
  readonly breaker: object
  readonly args: readonly unknown[]
}

const { process } = globalThis as { process?: Process }
const diagnostics = process?.getBuiltinModule?.('node:diagnostics_channel')

// Where nobody subscribes, or the runtime has no such thing, all this costs a look at a property.

/** Channels that are told what listeners are told. */
export const channels: { readonly [H in Hook]?: Channel<CircuitEvents[H]> | undefined } = {
  stateChange: diagnostics?.channel('recloser:transition'),
  rejected: diagnostics?.channel('recloser:rejected'),
}

/** Every call by `call`, `run`, `wrap`, `protect` and their synchronous forms, rejections included. */
export const callChannel: TracingChannel<TracedCall> | undefined =
  diagnostics?.tracingChannel('recloser:call')

// Bun's does not say it.
if (callChannel && !('hasSubscribers' in callChannel)) {
  const parts = Object.values<Channel<TracedCall>>({ ...(callChannel as object) })
  Object.defineProperty(callChannel, 'hasSubscribers', {
    get: () => parts.some((part) => part.hasSubscribers),
  })
}
