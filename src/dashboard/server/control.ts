import type { CircuitBreakerMonitor } from '../../monitor/index.ts'
import { aString, check, nonNegative, oneOf, readOptions, type Check } from '../../base/validate.ts'
import { json, refusal } from './answers.ts'
import { readText } from './body.ts'
import {
  CONTROL_HEADER,
  CONTROL_HEADER_VALUE,
  type ControlAction,
  type ControlRequest,
  type ControlResult,
} from '../protocol.ts'
import { isSameOrigin } from './same-origin.ts'

const MAX_BODY = 10_000
const MAX_REASON = 500

// Everyone reads it, some of them in a terminal: no line breaks, no escapes.
const reason: Check = (value, name) => {
  const holds = typeof value === 'string' && value.length <= MAX_REASON
  check(holds, name, `a string of at most ${MAX_REASON} characters`, value)
  return value.replace(/[\p{Cc}\p{Zl}\p{Zp}]+/gu, ' ').trim()
}

const checks: { readonly [Name in keyof ControlRequest]-?: Check } = {
  id: aString,
  action: oneOf('open', 'isolate', 'close', 'half-open'),
  reason,
  for: nonNegative,
}

/** Answers `POST ./control`. `isAuthorized` is asked only if the request can be meant. */
export async function answerControl(
  monitor: CircuitBreakerMonitor,
  request: Request,
  isAuthorized: () => Promise<boolean>,
): Promise<Response> {
  if (!isSameOrigin(request)) return refusal(403, 'Control is refused to pages of another origin')
  if (request.headers.get(CONTROL_HEADER) !== CONTROL_HEADER_VALUE) {
    return refusal(403, `Expected the header ${CONTROL_HEADER}: ${CONTROL_HEADER_VALUE}`)
  }
  if (!(await isAuthorized())) return refusal(403, 'Not authorized to control breakers')
  if (!/^application\/json\s*(?:;|$)/i.test(request.headers.get('content-type') ?? '')) {
    return refusal(415, 'Expected content-type: application/json')
  }
  const body = await readText(request, MAX_BODY)
  if (typeof body !== 'string') return refusal(body.status, body.error)
  let command: ControlRequest
  try {
    command = readCommand(body)
  } catch (error) {
    return refusal(400, error instanceof SyntaxError ? 'Expected a body of JSON' : (error as Error).message)
  }
  const { id } = command
  if (!monitor.has(id)) return refusal(404, 'No breaker has this id')
  const changed = carryOut(monitor, command)
  const breaker = monitor.report(id)
  // A listener may have taken it away.
  if (breaker === undefined) return refusal(404, 'No breaker has this id any more')
  return json({ changed, breaker } satisfies ControlResult)
}

/** @throws {SyntaxError | TypeError | RangeError} whose message is fit for the user. */
function readCommand(body: string): ControlRequest {
  const command = readOptions<ControlRequest>(JSON.parse(body), checks, 'the body')
  aString(command.id, 'id')
  checks.action(command.action, 'action')
  check(
    command.for === undefined || command.action === 'open',
    'for',
    "given with action 'open' only",
    command.for,
  )
  return command
}

function carryOut(monitor: CircuitBreakerMonitor, command: ControlRequest): boolean {
  const { id } = command
  const reason = command.reason || undefined
  const actions: Record<ControlAction, () => boolean> = {
    open: () => monitor.open(id, { reason, for: command.for }),
    isolate: () => monitor.isolate(id, reason),
    close: () => monitor.close(id, reason),
    'half-open': () => monitor.halfOpen(id, reason),
  }
  return actions[command.action]()
}
