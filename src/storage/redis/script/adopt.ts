/** Prepares the record for the command, as `adopt.ts`, `repair.ts` and the expiry of leases in `half-open.ts` do. */
export const ADOPT: string = String.raw`
-- Adopt what the sender knows, repair the clock, expire leases: as in adopt.ts, repair.ts, half-open.ts.

local adopted = false
knownEpoch, knownManual = knownEpoch + 0, knownManual + 0
if knownManual > knownEpoch then knownManual = 0 end
if knownEpoch <= r.epoch then
  if knownManual > r.manual then r.manual, r.nonce, r.actor, changed = knownManual, knownNonce, A[7], true end
else
  if knownEpoch > max(now, r.epoch) + ADOPTABLE_AHEAD or knownManual < r.manual then
    reset = '1'
  else
    adopted, r.failedBy = true, ''
    if knownManual > r.manual then r.manual, r.nonce, r.actor = knownManual, knownNonce, A[7] end
    local attempt = tonumber(knownAttempt)
    if knownState == 'closed' then
      local length, since = tonumber(ramp), tonumber(ramped) -- since is nil if the sender does not ramp
      toClosed(knownEpoch, A[6], knownBy, attempt, tonumber(knownDecay), since and length or 0, since or 0)
    elseif knownState == 'open' then toOpen(knownEpoch, now, A[6], knownBy, attempt, tonumber(remaining))
    elseif knownState == 'half-open' then toOpen(knownEpoch + 1, now, A[6], knownBy, attempt, 0)
    else enter('isolated', knownEpoch, now, A[6], knownBy, attempt) end
  end
end
if r.state == 'open' then
  if r.ends - now > r.length then r.ends, changed = now + r.length, true end
elseif r.state == 'half-open' then
  if r.due > now then r.due, changed = now, true end
  for _, each in ipairs(r.leases) do
    if each.ends - now > each.length then each.ends, changed = now + each.length, true end
  end
  while r.state == 'half-open' do
    local first = firstToEnd(r.leases)
    local ended = first and r.leases[first]
    if not ended or ended.ends > now then break end
    endLease(first)
    fail(ended.reporter, 'probeTimeout', ended.ends, ended.reopenFor)
  end
elseif r.state == 'closed' and (r.attempt > 0 and r.since > now or r.rampedAt > now) then
  r.since, r.rampedAt, changed = min(r.since, now), min(r.rampedAt, now), true
end
`
