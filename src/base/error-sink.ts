import { escapeText } from './validate.ts'
import { handleRejection } from './outcome.ts'
import { attempt } from './validate.ts'

/** Takes errors of user code that must not reach a call. */
export interface ErrorSink {
  report(error: unknown): void
}

interface NodeProcess {
  emitWarning?: (warning: string, type: string) => void
}

/** Emits a process warning, or writes to the console where there is no such thing. */
export function warn(message: string): void {
  const { process } = globalThis as { process?: NodeProcess }
  try {
    const text = escapeText(message.slice(0, 2_000))
    if (process?.emitWarning) process.emitWarning(text, 'RecloserWarning')
    else console.warn(`RecloserWarning: ${text}`)
  } catch {
    // Warnings may have been made fatal. That must not fail a call.
  }
}

/** Passes the error to the user's handler. Returns false if there is none, or if it throws. */
export function handOver(handler: ((error: unknown) => unknown) | undefined, error: unknown): boolean {
  try {
    handleRejection(handler?.(error))
    return handler !== undefined
  } catch {
    return false
  }
}

/** Renders any error as text. */
export function renderError(error: unknown): string {
  return attempt(() => String(error)) ?? 'a value that cannot be shown'
}
