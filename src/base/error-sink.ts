import { handleRejection } from './outcome.ts'

/** Where errors of user code go that must not reach a call. */
export interface ErrorSink {
  report(error: unknown): void
}

interface NodeProcess {
  emitWarning?: (warning: string, type: string) => void
}

/** Tells the people who run the process. */
export function warn(message: string): void {
  const { process } = globalThis as { process?: NodeProcess }
  try {
    if (process?.emitWarning) process.emitWarning(message, 'RecloserWarning')
    else console.warn(`RecloserWarning: ${message}`)
  } catch {
    // Somebody made warnings fatal; a call must not pay for it.
  }
}

/** Whether `handler` took the error. It is user code itself. */
export function handOver(handler: ((error: unknown) => unknown) | undefined, error: unknown): boolean {
  try {
    handleRejection(handler?.(error))
    return handler !== undefined
  } catch {
    return false
  }
}

/** The error as text, whatever it is. */
export function renderError(error: unknown): string {
  try {
    return String(error)
  } catch {
    return 'an error that cannot be shown'
  }
}
