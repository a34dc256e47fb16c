/** Refuses malformed commands, as `malformed.ts` does. */
export const VALIDATE: string = String.raw`
-- Validate the command: in the order of malformed.ts.

local function malformed(what) return { 'malformed', what } end

local command = A[1]
if command ~= 'exchange' and command ~= 'acquire' and command ~= 'settle' and command ~= 'change' then
  return malformed('type')
end
local reporter, knownState = token(A[4]), A[5]
if not reporter then return malformed('sender.reporter') end
if not STATES[knownState] then return malformed('sender.state') end
local knownEpoch, remaining, knownAttempt, knownDecay = count(A[6]), count(A[7]), count(A[8]), count(A[9])
if not knownEpoch then return malformed('sender.epoch') end
if not remaining then return malformed('sender.remaining') end
if not knownAttempt then return malformed('sender.attempt') end
if not knownDecay then return malformed('sender.decay') end
if not A[10] or #A[10] > LONGEST_REASON then return malformed('sender.reason') end
if A[11] ~= '' and not token(A[11]) then return malformed('sender.by') end

local policy
local function wrongPolicy(at)
  policy = { calls = positive(A[at]), successes = positive(A[at + 1]), concurrent = positive(A[at + 2]) }
  if not policy.calls then return malformed('policy.calls') end
  if not policy.successes or policy.successes > policy.calls then return malformed('policy.successes') end
  if not policy.concurrent or policy.concurrent > MOST_LEASES then return malformed('policy.concurrent') end
end

local epoch, successes, failures, tail, rings, nonce, lease, duration, ifEpoch
local what = A[12] -- the outcome of settle, the new state of change
if command == 'exchange' then
  epoch, successes, failures, tail = count(A[12]), count(A[13]), count(A[14]), count(A[15])
  if not epoch then return malformed('epoch') end
  if not successes then return malformed('successes') end
  if not failures then return malformed('failures') end
  if not tail or tail > failures then return malformed('tail') end
  rings = (#A - 15) / 6
  if rings > MOST_RINGS or rings % 1 > 0 then return malformed('rings') end
  for i = 16, #A, 6 do
    local window, buckets, calls = positive(A[i]), positive(A[i + 1]), count(A[i + 3])
    local failed, slow = count(A[i + 4]), count(A[i + 5])
    if not window or window > DAY then return malformed('ring.window') end
    if not buckets or buckets > MOST_BUCKETS then return malformed('ring.buckets') end
    if not count(A[i + 2]) then return malformed('ring.slowerThan') end
    if not calls then return malformed('ring.calls') end
    if not failed or failed > calls then return malformed('ring.failures') end
    if not slow or slow > calls then return malformed('ring.slow') end
  end
elseif command == 'acquire' then
  nonce, lease, duration = token(A[12]), positive(A[13]), count(A[14])
  if not nonce then return malformed('nonce') end
  if not lease then return malformed('lease') end
  if not duration then return malformed('reopenFor') end
  local wrong = wrongPolicy(15)
  if wrong then return wrong end
elseif command == 'settle' then
  nonce, epoch, what, duration = token(A[12]), count(A[13]), A[14], count(A[15])
  if not nonce then return malformed('nonce') end
  if not epoch then return malformed('epoch') end
  if what ~= 'success' and what ~= 'failure' and what ~= 'cancel' then return malformed('outcome') end
  if not duration then return malformed('openFor') end
else
  nonce, ifEpoch, duration = token(A[13]), A[15] ~= '' and count(A[15]), count(A[16])
  if not STATES[what] then return malformed('to') end
  if not nonce then return malformed('nonce') end
  if not A[14] or #A[14] > LONGEST_REASON then return malformed('reason') end
  if A[15] ~= '' and (what ~= 'open' or not ifEpoch) then return malformed('ifEpoch') end
  if what == 'open' and not duration then return malformed('openFor') end
  local wrong = what == 'half-open' and wrongPolicy(17)
  if wrong then return wrong end
end
`
