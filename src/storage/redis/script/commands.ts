/** Executes every command but an exchange, as `half-open.ts` and `change.ts` do. */
export const COMMANDS: string = String.raw`
-- Execute a command that is not an exchange: as in half-open.ts, change.ts.

-- Splits the nonce of a manual change into the process that gave it, and the number of the change.
local function giverOf(text)
  local giver, digits = match(text, '^(.*)%-(%d+)$')
  if giver and #digits <= 15 then return giver, tonumber(digits) end
  return text, 0
end
local function refusal()
  if ifEpoch then return (r.state ~= 'closed' or r.epoch ~= ifEpoch) and 'stale' end
  local giver, number = giverOf(nonce)
  local lastGiver, lastNumber = giverOf(r.nonce)
  if giver == lastGiver then return number <= lastNumber and 'repeated' end
  return r.manual > ifManual and 'overtaken'
end

if command == 'acquire' then
  local probing = r.state == 'half-open'
  local at = probing and findNonce(r.leases)
  kind = 'denied'
  if r.state == 'closed' then why, own = 'closed', '0'
  elseif r.state == 'isolated' then why, own = 'isolated', '-1'
  elseif not probing and r.ends > now then why, own = 'open', r.ends - now
  elseif at then kind, own = 'granted', r.leases[at].ends - now
  elseif not (adopted or knownEpoch == r.epoch or probing and knownEpoch == r.opened) then why, own = 'stale', 0
  elseif probing and findNonce(r.ended) then why, own = 'ended', 0
  else
    local waryFor = (probing and r.due or r.ends) + WARINESS - now
    if reporter == r.failedBy and waryFor > 0 then why, own = 'wary', waryFor
    elseif probing and (#r.leases >= r.concurrent or #r.leases + r.passed + r.failed >= r.calls) then
      local first = firstToEnd(r.leases)
      why, own = 'half-open', first and max(0, r.leases[first].ends - now) or 0
    else
      if not probing then toHalfOpen(r.reason, r.by, r.attempt) end
      lease, changed = min(lease, DAY), true
      r.leases[#r.leases + 1] = {
        nonce = nonce, ends = now + lease, length = lease, reporter = reporter, reopenFor = min(duration, DAY),
      }
      kind, own = 'granted', lease
    end
  end
elseif command == 'settle' then
  local at = r.state == 'half-open' and r.epoch == epoch + 0 and findNonce(r.leases)
  kind = at and 'settled' or 'late'
  if at then
    local by = r.leases[at].reporter
    endLease(at)
    if what == 'failure' then fail(by, 'probeFailed', now, duration)
    elseif what == 'success' then
      r.passed = r.passed + 1
      if r.passed >= r.successes then
        toClosed(nextEpoch(), 'probeSucceeded', by, r.attempt, tonumber(knownDecay), tonumber(ramp), 0)
      end
    end
  end
elseif command == 'change' then
  local refused = refusal()
  kind, why = refused and 'refused' or 'changed', refused or ''
  if not refused then
    local attempt, reason = r.attempt, A[9]
    if r.state == 'closed' and r.decay > 0 then
      attempt = max(0, attempt - floor(max(0, now - r.since) / r.decay))
    end
    if reason == '' then reason = r.state == what and r.reason or 'manual' end
    if what == 'open' then
      attempt = r.state == 'closed' and attempt + 1 or max(1, attempt)
      toOpen(nextEpoch(), now, reason, reporter, attempt, duration)
    elseif what == 'half-open' then toHalfOpen(reason, reporter, attempt)
    elseif what == 'closed' then toClosed(nextEpoch(), reason, reporter, 0, 0, 0, 0)
    else enter('isolated', nextEpoch(), now, reason, reporter, attempt) end
    if not ifEpoch then r.manual, r.nonce, r.actor = r.epoch, nonce, A[10] end
  end
end

-- What follows expects digits again.
if own ~= '' then own = format('%d', own) end
for _, field in ipairs({ 'epoch', 'attempt', 'manual', 'run' }) do
  if r[field] then r[field] = format('%d', r[field]) end
end
end
`
