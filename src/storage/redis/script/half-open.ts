/** Leases and the outcomes of probes, as in `half-open.ts`. */
export const HALF_OPEN: string = String.raw`
-- Half-open: as in half-open.ts.

local function findNonce(list)
  for i, each in ipairs(list) do
    if each == nonce or each.nonce == nonce then return i end
  end
end
local function endLease(at)
  r.ended[#r.ended + 1] = table.remove(r.leases, at).nonce
  if #r.ended > MOST_ENDED then table.remove(r.ended, 1) end
  changed = true
end
local function fail(by, reason, at, openFor)
  r.failed, r.failedBy = r.failed + 1, by
  if r.calls - r.failed < r.successes then toOpen(nextEpoch(), at, reason, by, r.attempt + 1, openFor) end
end
`
