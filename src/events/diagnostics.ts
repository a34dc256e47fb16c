import type { CircuitEvents, Hook } from './events.ts'

/** The subset of `node:diagnostics_channel` that this module uses. */
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

/** The message of `recloser:call`. Node adds the result as `result`, or the error as `error`. */
export interface TracedCall {
  readonly breaker: object
  readonly args: readonly unknown[]
}

const { process } = globalThis as { process?: Process }
const diagnostics = process?.getBuiltinModule?.('node:diagnostics_channel')

// Without subscribers, or in a runtime without the module, this costs one property read.

/** The channels on which some events are published. Their messages are the events. */
export const channels: { readonly [H in Hook]?: Channel<CircuitEvents[H]> | undefined } = {
  stateChange: diagnostics?.channel('recloser:transition'),
  rejected: diagnostics?.channel('recloser:rejected'),
}

/** Traces every call through `call`, `run`, `wrap`, `protect` and their synchronous forms, including rejected calls. */
export const callChannel: TracingChannel<TracedCall> | undefined =
  diagnostics?.tracingChannel('recloser:call')

// Bun's tracing channel lacks `hasSubscribers`.
if (callChannel && !('hasSubscribers' in callChannel)) {
  const parts = Object.values<Channel<TracedCall>>({ ...(callChannel as object) })
  Object.defineProperty(callChannel, 'hasSubscribers', {
    get: () => parts.some((part) => part.hasSubscribers),
  })
}
