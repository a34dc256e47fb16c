/** Builds replies as `view.ts` does, and executes the usual exchange as `exchange.ts` does: it needs nothing below. */
export const EXCHANGE: string = String.raw`
-- Reply: as in view.ts. untilDue is defined below, because the usual exchange does not need it.

local untilDue
local function attemptNow()
  if r.state ~= 'closed' or r.decay == 0 then return r.attempt end
  return max(0, r.attempt - floor(max(0, now - r.since) / r.decay))
end
local function answer(kind, why, value)
  local left = r.state == 'closed' and 0 or untilDue()
  return { kind, why, reset, r.state, r.epoch, left, attemptNow(), r.reason, r.by, max(0, now - r.since), value }
end

-- Exchange: as in exchange.ts.

local touched = {} -- the names of the rings that have changed
local function exchange()
  local counts = r.state == 'closed' and epoch == r.epoch
  local reply = answer('exchanged', '', counts and 1 or 0)
  if r.state ~= 'closed' then
    for i = 1, 2 + 5 * rings do reply[11 + i] = 0 end
    return reply
  end
  local run, reporters = match(r.run, '^(%d+)(.*)$')
  run, reporters = min(tonumber(run) or 0, MOST), reporters or ''
  local _, size = string.gsub(reporters, '[%w_-]+', '')
  if counts and successes > 0 then
    if tail > 0 or run > 0 then
      run, reporters, size, counted = tail, tail > 0 and ',' .. reporter or '', tail > 0 and 1 or 0, true
    end
  elseif counts and failures > 0 then
    if size < MOST_REPORTERS and not find(reporters .. ',', ',' .. reporter .. ',', 1, true) then
      reporters, size = reporters .. ',' .. reporter, size + 1
    end
    run, counted = min(run + failures, MOST), true
  end
  if counted then r.run = run > 0 and format('%d', run) .. reporters or '' end
  reply[12], reply[13] = run, size
  for i = 16, #A, 6 do
    local name = A[i] .. ':' .. A[i + 1] .. ':' .. A[i + 2]
    local text = r.rings[name]
    local calls = counts and tonumber(A[i + 3]) or 0
    if calls > 0 and not text and not makeRoom() then
      for at = #reply + 1, #reply + 5 do reply[at] = 0 end
    else
      local added = addToRing(text, tonumber(A[i]), tonumber(A[i + 1]), calls, tonumber(A[i + 4]),
        tonumber(A[i + 5]), reply)
      if added then
        r.rings[name], counted = added, true
        touched[#touched + 1] = name
      end
    end
  end
  return reply
end

local reply
if command == 'exchange' and r.state == 'closed' and r.attempt == 0 and knownEpoch <= r.epoch then
  reply = exchange() -- the most frequent command by far, so it skips the rest
else
`
