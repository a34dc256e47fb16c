/** Leases and the outcomes of probes, as in `half-open.ts`. */
export const HALF_OPEN: string = String.raw`
-- Lists of nonces.

local function has(list, nonce) return find(',' .. list .. ',', ',' .. nonce .. ',', 1, true) end
local function append(list, nonce, most)
  if list == '' then return nonce end
  local _, commas = string.gsub(list, ',', '')
  while commas >= most - 1 do
    list, commas = match(list, '^[^,]*,(.*)$'), commas - 1
  end
  return list .. ',' .. nonce
end

-- Half-open: as in half-open.ts.

local function endLease(at)
  r.ended = append(r.ended, r.leases[at].nonce, MOST_ENDED)
  table.remove(r.leases, at)
  changed = true
end
local function fail(by, reason, at, openFor)
  r.failed, r.failedBy = r.failed + 1, by
  if r.calls - r.failed < r.successes then toOpen(nextEpoch(r.epoch), at, reason, by, r.attempt + 1, openFor) end
end
local function firstToEnd()
  local first
  for i, each in ipairs(r.leases) do
    if not first or each['until'] < r.leases[first]['until'] then first = i end
  end
  return first
end
local function untilFirstEnd()
  local first = firstToEnd()
  return first and max(0, r.leases[first]['until'] - now) or 0
end
local function hasRoom()
  return #r.leases < r.concurrent and #r.leases + r.passed + r.failed < r.calls
end
function untilDue()
  if r.state == 'isolated' then return -1 end
  if r.state == 'open' then return max(0, r['until'] - now) end
  return hasRoom() and 0 or untilFirstEnd()
end
`
