import type { DashboardEvents } from '../../dashboard/protocol.ts'
import { printable } from '../base/text.ts'
import { isEvent } from './check.ts'

/** An event of the stream, with its name. */
export type DashboardEvent = {
  [Name in keyof DashboardEvents]: { readonly type: Name; readonly data: DashboardEvents[Name] }
}[keyof DashboardEvents]

/** The type of an answer's body; `''` if it does not say. */
export const mediaType = (answer: Response): string =>
  printable((answer.headers.get('content-type') ?? '').split(';')[0]!.trim().toLowerCase().slice(0, 80))

/** The JSON of an answer; `undefined` if it has none. */
export async function readBody(answer: Response): Promise<unknown> {
  // What is not JSON may have no end.
  if (mediaType(answer) !== 'application/json') {
    await answer.body?.cancel()
    return undefined
  }
  const text = await answer.text()
  try {
    return JSON.parse(text) as unknown
  } catch {
    return undefined
  }
}

/** An event of the stream, `'malformed'`, or `undefined` for one that we do not know. */
export function readEvent(type: string, data: string): DashboardEvent | 'malformed' | undefined {
  if (!Object.hasOwn(isEvent, type)) return undefined
  try {
    const value = JSON.parse(data) as unknown
    return isEvent[type as keyof DashboardEvents](value)
      ? ({ type, data: value } as DashboardEvent)
      : 'malformed'
  } catch {
    return 'malformed'
  }
}
