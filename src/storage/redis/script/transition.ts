/** Transitions between states, as in `transition.ts`. */
export const TRANSITION: string = String.raw`
-- Transitions: as in transition.ts.

local function nextEpoch(previous) return max(previous + 1, now) end
local function enter(state, epoch, since, reason, by, attempt)
  changed = true
  r = {
    state = state, epoch = epoch, since = since, reason = reason, by = by,
    attempt = min(attempt, MOST_ATTEMPT), changes = r.changes, failedBy = r.failedBy or '',
  }
end
local function toClosed(epoch, reason, by, attempt, decay)
  local kept = decay > 0 and attempt or 0
  enter('closed', epoch, now, reason, by, kept)
  r.decay, r.run, r.rings = kept > 0 and min(decay, LONGEST_DECAY) or 0, '', {}
end
local function toOpen(epoch, since, reason, by, attempt, length)
  enter('open', epoch, since, reason, by, attempt)
  r.length = min(length, DAY)
  r['until'] = since + r.length
end
local function toHalfOpen(reason, by, attempt)
  local opened, due = r.epoch, r.state == 'open' and min(r['until'], now) or now
  enter('half-open', nextEpoch(opened), now, reason, by, attempt)
  r.opened, r.due, r.passed, r.failed, r.leases, r.ended = opened, due, 0, 0, {}, ''
  r.calls, r.successes, r.concurrent = policy.calls, policy.successes, policy.concurrent
end
`
