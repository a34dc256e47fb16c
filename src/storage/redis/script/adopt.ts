/** Prepares the record for the command, as `adopt.ts`, `repair.ts` and the expiry of leases in `half-open.ts` do. */
export const ADOPT: string = String.raw`
-- Adopt what the sender knows, repair the clock, expire leases: as in adopt.ts, repair.ts, half-open.ts.

local adopted = false
if knownEpoch > r.epoch then
  if knownEpoch > max(now, r.epoch) + ADOPTABLE_AHEAD then
    reset = 1
  else
    adopted, r.failedBy = true, ''
    if knownState == 'closed' then toClosed(knownEpoch, A[10], A[11], knownAttempt, knownDecay)
    elseif knownState == 'open' then toOpen(knownEpoch, now, A[10], A[11], knownAttempt, remaining)
    elseif knownState == 'half-open' then toOpen(nextEpoch(knownEpoch), now, A[10], A[11], knownAttempt, 0)
    else enter('isolated', knownEpoch, now, A[10], A[11], knownAttempt) end
  end
end
if r.state == 'open' then
  if r['until'] - now > r.length then r['until'], changed = now + r.length, true end
elseif r.state == 'half-open' then
  if r.due > now then r.due, changed = now, true end
  for _, each in ipairs(r.leases) do
    if each['until'] - now > each.length then each['until'], changed = now + each.length, true end
  end
  while r.state == 'half-open' do
    local first = firstToEnd()
    local ended = first and r.leases[first]
    if not ended or ended['until'] > now then break end
    endLease(first)
    fail(ended.reporter, 'probeTimeout', ended['until'], ended.reopenFor)
  end
elseif r.state == 'closed' and r.attempt > 0 and r.since > now then
  r.since, changed = now, true
end
`
