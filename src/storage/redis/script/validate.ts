/** Refuses malformed commands, as `malformed.ts` does, and names the argument that is invalid. */
export const VALIDATE: string = String.raw`
-- Validate the command. One match per argument both checks and splits it. A text of at most 15 digits is an integer up to
-- MOST. To convert one is expensive, so the integers of the usual exchange stay texts: arithmetic converts them as needed,
-- and a comparison needs x + 0, which is cheaper than tonumber(x).

local tag, command = A[1], A[2]
if not tag or #tag > LONGEST_TOKEN or not find(tag, '^[%w_.-]+$') then
  return redis.error_reply('ERR recloser: the first argument is not a token')
end
if command ~= 'exchange' and command ~= 'acquire' and command ~= 'settle' and command ~= 'change' then
  return { tag, 'malformed', 'type' }
end

local function isUtf8(text)
  if not find(text, '[\128-\255]') then return true end
  for _, sequence in ipairs({
    '[\194-\223][\128-\191]', '\224[\160-\191][\128-\191]', '\237[\128-\159][\128-\191]',
    '[\225-\236\238\239][\128-\191][\128-\191]', '\240[\144-\191][\128-\191][\128-\191]',
    '[\241-\243][\128-\191][\128-\191][\128-\191]', '\244[\128-\143][\128-\191][\128-\191]',
  }) do text = gsub(text, sequence, '.') end
  return not find(text, '[\128-\255]')
end

local reporter, knownState, knownEpoch, remaining, knownAttempt, knownDecay, ramped, ramp, knownBy, knownManual,
  knownNonce = match(A[5] or '',
    '^([%w_-]+) ([%l-]+) (%d+) (%d+) (%d+) (%d+) (%-?%d*) (%d+) ([%w_-]*) (%d+) ([%w_-]*)$')
if not reporter or max(#reporter, #knownBy, #knownNonce) > LONGEST_TOKEN
  or knownState ~= 'closed' and knownState ~= 'open' and knownState ~= 'half-open' and knownState ~= 'isolated'
  or max(#knownEpoch, #remaining, #knownAttempt, #knownDecay, #ramped, #ramp, #knownManual) > 15
  or ramped ~= '-' and not find(ramped, '^%d')
  or not A[7] or #A[6] > LONGEST_REASON or #A[7] > LONGEST_ACTOR or not isUtf8(A[6]) or not isUtf8(A[7]) then
  return { tag, 'malformed', 'sender' }
end

local numbers = A[8] or ''
local epoch, successes, failures, tail, nonce, lease, duration, what, ifEpoch, ifManual, policy
local batches = {} -- of an exchange: name, window, buckets, calls, failures, slow
if command == 'exchange' then
  epoch, successes, failures, tail = match(numbers, '^(%d+) (%d+) (%d+) (%d+)$')
  if not epoch or max(#epoch, #successes, #failures, #tail) > 15 then return { tag, 'malformed', command } end
  if tail ~= '0' and tail + 0 > failures + 0 then return { tag, 'malformed', command } end
  if #A > 8 + MOST_RINGS then return { tag, 'malformed', 'rings' } end
  for i = 9, #A do
    local name, window, buckets, slower, calls, failed, slow =
      match(A[i], '^((%d+):(%d+):(%d+)) (%d+) (%d+) (%d+)$')
    if not name or #window > 8 or #buckets > 3 or max(#slower, #calls, #failed, #slow) > 15 then
      return { tag, 'malformed', 'rings' }
    end
    window, buckets = window + 0, buckets + 0
    if window < 1 or window > DAY or buckets < 1 or buckets > MOST_BUCKETS
      or failed ~= '0' and failed + 0 > calls + 0 or slow ~= '0' and slow + 0 > calls + 0 then
      return { tag, 'malformed', 'rings' }
    end
    batches[i - 8] = { name, window, buckets, calls, failed, slow }
  end
elseif command == 'settle' then
  nonce, epoch, what, duration = match(numbers, '^([%w_-]+) (%d+) (%l+) (%d+)$')
  if not nonce or #nonce > LONGEST_TOKEN or max(#epoch, #duration) > 15
    or what ~= 'success' and what ~= 'failure' and what ~= 'cancel' then return { tag, 'malformed', command } end
  duration = duration + 0
else
  local calls, successes, concurrent
  if command == 'acquire' then
    nonce, lease, duration, calls, successes, concurrent = match(numbers, '^([%w_-]+) (%d+) (%d+) (%d+) (%d+) (%d+)$')
    if not nonce or #lease > 15 or lease + 0 == 0 then return { tag, 'malformed', command } end
    lease = lease + 0
  else
    what, nonce, ifEpoch, ifManual, duration, calls, successes, concurrent =
      match(numbers, '^([%l-]+) ([%w_-]+) (%d*) (%d+) (%d+) (%d+) (%d+) (%d+)$')
    if what ~= 'closed' and what ~= 'open' and what ~= 'half-open' and what ~= 'isolated'
      or max(#ifEpoch, #ifManual) > 15 or what ~= 'open' and ifEpoch ~= ''
      or not A[10] or #A[9] > LONGEST_REASON or #A[10] > LONGEST_ACTOR
      or not isUtf8(A[9]) or not isUtf8(A[10]) then return { tag, 'malformed', command } end
    ifEpoch, ifManual = tonumber(ifEpoch), ifManual + 0
  end
  if max(#duration, #calls, #successes) > 15 or #nonce > LONGEST_TOKEN then return { tag, 'malformed', command } end
  duration, policy = duration + 0, { calls = calls + 0, successes = successes + 0, concurrent = concurrent + 0 }
  if (command == 'acquire' or what == 'half-open') and (policy.successes == 0 or policy.successes > policy.calls
    or policy.concurrent == 0 or policy.concurrent > MOST_LEASES) then return { tag, 'malformed', command } end
end
`
