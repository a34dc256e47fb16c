/** Executes every command but the usual exchange, as `half-open.ts` and `change.ts` do. */
export const COMMANDS: string = String.raw`
-- Execute the command: as in exchange.ts, half-open.ts, change.ts.

if command == 'exchange' then
  reply = exchange()
elseif command == 'acquire' then
  local live, probing = nil, r.state == 'half-open'
  if probing then
    for _, each in ipairs(r.leases) do if each.nonce == nonce then live = each end end
  end
  if r.state == 'closed' then reply = answer('denied', 'closed', 0)
  elseif r.state == 'isolated' then reply = answer('denied', 'isolated', -1)
  elseif not probing and r['until'] > now then reply = answer('denied', 'open', r['until'] - now)
  elseif live then reply = answer('granted', '', live['until'] - now)
  elseif not (adopted or knownEpoch == r.epoch or probing and knownEpoch == r.opened) then
    reply = answer('denied', 'stale', 0)
  elseif probing and has(r.ended, nonce) then reply = answer('denied', 'ended', 0)
  else
    local waryFor = (probing and r.due or r['until']) + WARINESS - now
    if reporter == r.failedBy and waryFor > 0 then reply = answer('denied', 'wary', waryFor)
    elseif probing and not hasRoom() then reply = answer('denied', 'half-open', untilFirstEnd())
    else
      if not probing then toHalfOpen(r.reason, r.by, r.attempt) end
      lease, changed = min(lease, DAY), true
      r.leases[#r.leases + 1] = {
        nonce = nonce, ['until'] = now + lease, length = lease, reporter = reporter, reopenFor = min(duration, DAY),
      }
      reply = answer('granted', '', lease)
    end
  end
elseif command == 'settle' then
  local at
  if r.state == 'half-open' and r.epoch == epoch then
    for i, each in ipairs(r.leases) do if each.nonce == nonce then at = i end end
  end
  if not at then
    reply = answer('late', '')
  else
    local by = r.leases[at].reporter
    endLease(at)
    if what == 'failure' then fail(by, 'probeFailed', now, duration)
    elseif what == 'success' then
      r.passed = r.passed + 1
      if r.passed >= r.successes then
        toClosed(nextEpoch(r.epoch), 'probeSucceeded', by, r.attempt, knownDecay)
      end
    end
    reply = answer('settled', '')
  end
else
  local manual = A[15] == ''
  if manual and has(r.changes, nonce) then reply = answer('refused', 'repeated')
  elseif not manual and (r.state ~= 'closed' or r.epoch ~= ifEpoch) then reply = answer('refused', 'stale')
  else
    local attempt, reason = attemptNow(), A[14]
    if what == 'open' then
      attempt = r.state == 'closed' and attempt + 1 or max(1, attempt)
      toOpen(nextEpoch(r.epoch), now, reason, reporter, attempt, duration)
    elseif what == 'half-open' then toHalfOpen(reason, reporter, attempt)
    elseif what == 'closed' then toClosed(nextEpoch(r.epoch), reason, reporter, 0, 0)
    else enter('isolated', nextEpoch(r.epoch), now, reason, reporter, attempt) end
    if manual then r.changes = append(r.changes, nonce, MOST_CHANGES) end
    reply = answer('changed', '')
  end
end

end
`
