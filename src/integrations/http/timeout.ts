import { Context } from '../../calls/task.ts'
import type { Exchange } from './exchange.ts'

/** Sends a request with a signal that also aborts when the headers take longer than `callTimeout`. */
export function sendInTime<T>(
  exchange: Exchange,
  signal: AbortSignal | undefined,
  send: (signal: AbortSignal) => PromiseLike<T>,
): Promise<T> {
  const context = new Context(signal, true)
  return new Promise<T>((resolve, reject) => {
    exchange.limit((error) => {
      context.abort(error)
      reject(error)
    })
    send(context.signal).then(resolve, reject)
  })
}
