import { toText } from '../../fleet/manual-changes.ts'
import { LONGEST_REASON } from '../../storage/contract/limits.ts'

/** A reason as everyone sees it. */
export interface GivenReason {
  /** `''` if none was given. */
  readonly reason: string
  /** Present if it was too long. */
  readonly reasonCut?: true
}

/** Cuts a reason to the bytes that are kept of it (F29). A change in an emergency must not fail because of its reason. */
export function readReason(text: string = ''): GivenReason {
  const reason = toText(text, LONGEST_REASON)
  return reason === text ? { reason } : { reason, reasonCut: true }
}

/** Returns the sentence that says so, if a reason was cut. */
export const cutNote = ({ reasonCut }: Pick<GivenReason, 'reasonCut'>): string[] =>
  reasonCut ? [`The reason was cut to ${LONGEST_REASON} bytes.`] : []
