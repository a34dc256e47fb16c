/** The pooled windows, as in `rings.ts`. */
export const RINGS: string = String.raw`
-- Rings: as in rings.ts.

local BUCKET, REPORTER = ';(%d*),?(%d*),?(%d*)([^;]*)()', ',([123])([%w_-]+)'

-- Returns the number of the newest bucket now, and unless the ring is empty: how many buckets that is after the newest
-- one in the text, and where the buckets begin in the text.
local function liveRing(text, window, buckets)
  local newest = floor(now * buckets / window)
  local epoch, at, start = match(text or '', '^(%d+):(%d+)();')
  if not epoch or tonumber(epoch) ~= r.epoch then return newest end
  local age = max(0, newest - at)
  if age < buckets then return newest, age, start end
  return newest
end

-- Makes room for one more ring: if there are four, removes those without live buckets. Returns whether there is room.
local function makeRoom()
  local size, expired = 0, {}
  for name, text in pairs(r.rings) do
    size = size + 1
    local window, buckets = match(name, '^(%d+):(%d+):%d+$')
    window, buckets = tonumber(window) or 0, tonumber(buckets) or 0
    local live = false
    if window > 0 and buckets > 0 then
      local _, age = liveRing(text, window, buckets)
      live = age ~= nil
    end
    if not live then expired[#expired + 1] = name end
  end
  if size < MOST_RINGS then return true end
  for _, name in ipairs(expired) do r.rings[name], changed = nil, true end
  return size - #expired < MOST_RINGS
end

-- Adds the sender to the reporters of a bucket, with what it saw: failures (1), slow calls (2) or both (3). Returns the
-- new list, and whether the sender is in it.
local function addReporter(rest, saw)
  local list = rest .. ','
  if find(list, ',' .. saw .. reporter .. ',', 1, true) or find(list, ',3' .. reporter .. ',', 1, true) then
    return rest, true
  end
  local names, flags = {}, {}
  for flag, name in gmatch(rest, REPORTER) do
    if not flags[name] then names[#names + 1], flags[name] = name, flag
    elseif flags[name] ~= flag then flags[name] = '3' end
  end
  local known = flags[reporter]
  if known == saw or known == '3' then return rest, true end
  if not known and #names >= MOST_REPORTERS then return rest, false end
  if not known then names[#names + 1] = reporter end
  flags[reporter] = known and '3' or saw
  for i, name in ipairs(names) do names[i] = flags[name] .. name end
  return ',' .. concat(names, ','), true
end

-- Adds a batch to a ring and appends the ring's sums to the reply. Returns the ring's new text, if it has changed.
local function addToRing(text, window, buckets, batch, batchFailures, batchSlow, out)
  local newest, age, start = liveRing(text, window, buckets)
  local calls, failures, slow, failed, slowed = 0, 0, 0, 0, 0
  local failedOn, slowOn, seen -- the reporters of failures and of slow calls; the list that was parsed last
  local first, c0, f0, s0, rest0 -- where the first bucket ends; what it holds, if it is the newest
  local last = 0 -- where the last bucket ends that is not empty
  if age then
    local n, from = age, start
    for c, f, s, rest, after in gmatch(text, BUCKET) do
      n = n + 1
      if n > buckets then break end
      local valid = c ~= '' and f ~= '' and s ~= ''
      if not first then
        first = after
        if age == 0 and valid then c0, f0, s0, rest0 = c, f, s, rest end
      end
      if valid then
        calls, failures, slow = calls + c, failures + f, slow + s
        if rest ~= '' and rest ~= seen then -- neighboring buckets mostly have the same list
          seen, failedOn, slowOn = rest, failedOn or {}, slowOn or {}
          for flag, name in gmatch(rest, REPORTER) do
            if flag ~= '2' and not failedOn[name] then failedOn[name], failed = true, failed + 1 end
            if flag ~= '1' and not slowOn[name] then slowOn[name], slowed = true, slowed + 1 end
          end
        end
      end
      if after > from + 1 then last = after - 1 end
      from = after
    end
  end
  local result
  if batch > 0 then
    local rest, kept = rest0 or '', false
    if batchFailures > 0 or batchSlow > 0 then
      local saw = batchFailures == 0 and '2' or batchSlow > 0 and '3' or '1'
      rest, kept = addReporter(rest, saw)
      if kept and saw ~= '2' and not (failedOn and failedOn[reporter]) then failed = failed + 1 end
      if kept and saw ~= '1' and not (slowOn and slowOn[reporter]) then slowed = slowed + 1 end
    end
    local older = age and (age == 0 and first or start) or 1
    result = format('%d:%d;%d,%d,%d', r.epoch, newest, min((c0 or 0) + batch, MOST),
      min((f0 or 0) + batchFailures, MOST), min((s0 or 0) + batchSlow, MOST)) .. rest
    if last >= older then
      result = result .. (age > 1 and rep(';', age - 1) or '') .. sub(text, older, last)
    end
    calls, failures, slow = calls + batch, failures + batchFailures, slow + batchSlow
  end
  local n = #out
  out[n + 1], out[n + 2], out[n + 3] = min(calls, MOST), min(failures, MOST), min(slow, MOST)
  out[n + 4], out[n + 5] = failed, slowed
  return result
end
`
