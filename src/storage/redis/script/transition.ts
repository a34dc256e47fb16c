/** Transitions between states, as in `transition.ts`. */
export const TRANSITION: string = String.raw`
local firstToEnd

-- The most frequent command by far, an exchange on a record that needs no care, skips everything up to the exchange.
if command ~= 'exchange' or r.state ~= 'closed' or knownEpoch ~= r.epoch or knownManual ~= r.manual
  or r.rampedAt ~= '0' and r.rampedAt + 0 > now or r.attempt ~= '0' and r.since + 0 > now then

function firstToEnd(leases)
  local first
  for i, each in ipairs(leases) do
    if not first or each.ends < leases[first].ends then first = i end
  end
  return first
end
for _, field in ipairs({ 'epoch', 'since', 'attempt', 'manual', 'decay', 'ramp', 'rampedAt', 'run' }) do
  r[field] = tonumber(r[field])
end
before = format('%d', r.epoch)

-- Transitions: as in transition.ts.

local function nextEpoch() return max(r.epoch + (r.state == 'half-open' and 2 or 1), now) end
local function enter(state, epoch, since, reason, by, attempt)
  changed = true
  r = {
    state = state, epoch = epoch, since = since, reason = reason, by = by, attempt = min(attempt, MOST_ATTEMPT),
    manual = r.manual, nonce = r.nonce, actor = r.actor, failedBy = r.failedBy or '',
  }
end
local function toClosed(epoch, reason, by, attempt, decay, ramp, ramped)
  local kept, ramps = decay > 0 and attempt or 0, ramp > ramped
  enter('closed', epoch, now, reason, by, kept)
  r.decay, r.run, r.reporters, r.rings = kept > 0 and min(decay, LONGEST_DECAY) or 0, 0, '', ''
  r.reportedAt = 0
  r.ramp, r.rampedAt = ramps and min(ramp, DAY) or 0, ramps and max(0, now - ramped) or 0
end
local function toOpen(epoch, since, reason, by, attempt, length)
  enter('open', epoch, since, reason, by, attempt)
  r.length = min(length, DAY)
  r.ends = since + r.length
end
local function toHalfOpen(reason, by, attempt)
  local opened, due = r.epoch, r.state == 'open' and min(r.ends, now) or now
  enter('half-open', nextEpoch(), now, reason, by, attempt)
  r.opened, r.due, r.passed, r.failed, r.leases, r.ended = opened, due, 0, 0, {}, {}
  r.calls, r.successes, r.concurrent = policy.calls, policy.successes, policy.concurrent
end
`
