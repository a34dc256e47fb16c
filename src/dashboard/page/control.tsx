import type { JSX } from 'preact'
import { useEffect, useId, useRef, useState } from 'preact/hooks'
import {
  CONTROL_HEADER,
  CONTROL_HEADER_VALUE,
  type ControlAction,
  type ControlRequest,
  type ControlResult,
  type ErrorBody,
} from '../protocol.ts'
import type { Breaker } from './breaker.ts'
import { useTopics } from './hooks.ts'
import { StateIcon } from './icons.tsx'
import { actionWords, reachWords, shownName, stateWord } from './words.ts'

/** A manual change that the user is about to confirm. */
export interface Command {
  readonly breaker: Breaker
  readonly action: ControlAction
}

/** @throws {Error} when the request fails; its message is for the user. */
async function send(request: ControlRequest): Promise<ControlResult> {
  const response = await fetch('./control', {
    method: 'POST',
    headers: { 'content-type': 'application/json', [CONTROL_HEADER]: CONTROL_HEADER_VALUE },
    body: JSON.stringify(request),
  }).catch(() => undefined)
  if (!response)
    throw new Error('The server does not answer. Nothing was changed, as far as this page knows.')
  const body = (await response.json().catch(() => ({}))) as Partial<ControlResult & ErrorBody>
  if (!response.ok) throw new Error(body.error ?? `The server answered ${response.status}.`)
  return body as ControlResult
}

interface ControlDialogProps {
  readonly command: Command
  /** Called when the dialog closes, with a confirmation if the request succeeded. */
  readonly onClose: (done?: string) => void
}

/** Asks for a reason, and for a duration where one applies, then sends the manual change. */
export function ControlDialog({ command: { breaker, action }, onClose }: ControlDialogProps): JSX.Element {
  const dialog = useRef<HTMLDialogElement>(null)
  useTopics(breaker.moved)
  const [error, setError] = useState<string>()
  const [busy, setBusy] = useState(false)
  const id = useId()
  const { verb, effect, done, state, again } = actionWords[action]
  const repeated = breaker.state === state
  const { id: breakerId, fleet } = breaker.report
  const reach = reachWords(fleet)
  const name = shownName(breakerId)

  useEffect(() => dialog.current?.showModal(), [])

  const submit = async (event: SubmitEvent): Promise<void> => {
    event.preventDefault()
    const form = new FormData(event.currentTarget as HTMLFormElement)
    const reason = ((form.get('reason') ?? '') as string).trim()
    const seconds = (form.get('seconds') ?? '') as string
    setBusy(true)
    setError(undefined)
    try {
      const { changed } = await send({
        id: breakerId,
        action,
        ...(reason === '' ? {} : { reason }),
        ...(seconds === '' ? {} : { for: Number(seconds) * 1_000 }),
      })
      dialog.current?.close()
      onClose(changed ? `${name} ${done}.` : `${name}: the state was not changed.`)
    } catch (problem) {
      setError((problem as Error).message)
      setBusy(false)
    }
  }

  return (
    <dialog
      ref={dialog}
      aria-labelledby={`${id}-title`}
      aria-describedby={`${id}-effect`}
      onClose={() => onClose()}
    >
      <form onSubmit={(event) => void submit(event)}>
        <h2 id={`${id}-title`}>
          {verb} <span class="dialog-name">{name}</span>
        </h2>
        <p class="dialog-now">
          Now
          <span class="state" data-state={breaker.state}>
            <StateIcon state={breaker.state} />
            {stateWord[breaker.state]}
          </span>
        </p>
        <p id={`${id}-effect`}>
          {repeated ? again : effect} {reach && <strong>{reach}</strong>}
        </p>
        <label for={`${id}-reason`}>Reason</label>
        <input
          id={`${id}-reason`}
          name="reason"
          autocomplete="off"
          maxLength={256}
          placeholder="manual change"
          aria-describedby={`${id}-seen`}
        />
        <p id={`${id}-seen`} class="hint">
          Visible to everyone who can open this page.
        </p>
        {action === 'open' && (
          <>
            <label for={`${id}-seconds`}>Seconds until a probe</label>
            <input
              id={`${id}-seconds`}
              name="seconds"
              type="number"
              min="0"
              step="any"
              inputMode="decimal"
              placeholder="as after a trip"
            />
          </>
        )}
        <p class="dialog-error" role="alert">
          {error}
        </p>
        <div class="dialog-buttons">
          <button type="button" class="button" onClick={() => dialog.current?.close()}>
            Cancel
          </button>
          <button type="submit" class="button button-main" data-state={state} disabled={busy}>
            {busy ? 'Sending …' : verb}
          </button>
        </div>
      </form>
    </dialog>
  )
}
