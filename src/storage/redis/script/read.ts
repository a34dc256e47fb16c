/** Reads the record, as `record.ts` does, and the time. */
export const READ: string = String.raw`
-- Read the record: as in record.ts, in the format of fields.ts.

local flat = redis.pcall('HGETALL', KEY)
if flat.err then
  if find(flat.err, '^WRONGTYPE') then return { 'unusable', 'foreign' } end
  return flat
end
local now
if KEYS[2] then
  now = tonumber(redis.call('GET', KEYS[2]))
else
  local time = redis.call('TIME')
  now = time[1] * 1000 + floor(time[2] / 1000)
end

local h, r = {}, nil -- the stored fields; the record
if #flat == 0 then
  r = {
    state = 'closed', epoch = 0, since = now, attempt = 0, reason = '', by = '', changes = '',
    decay = 0, run = '', rings = {}, fresh = true,
  }
else
  local found = {}
  for i = 1, #flat, 2 do
    local field, value = flat[i], flat[i + 1]
    h[field] = value
    if byte(field, 5) == 58 and sub(field, 1, 5) == 'ring:' then found[sub(field, 6)] = value end
  end
  local version = positive(h.recloser)
  if not version then return { 'unusable', 'foreign' } end
  if version > VERSION then return { 'unusable', 'newer' } end
  local valid = STATES[h.state]
  local function number(field)
    local n = count(h[field])
    if not n then valid = nil end
    return n
  end
  r = {
    state = h.state, epoch = number('epoch'), since = number('since'), attempt = number('attempt'),
    reason = h.reason or '', by = h.by or '', changes = h.changes or '',
  }
  if r.state == 'closed' then
    r.decay, r.run, r.rings = number('decay'), h.run or '', found
  elseif r.state == 'open' then
    r['until'], r.length, r.failedBy = number('until'), number('length'), h.failedBy or ''
  elseif r.state == 'half-open' then
    r.opened, r.due, r.failedBy, r.ended = number('opened'), number('due'), h.failedBy or '', h.ended or ''
    r.calls, r.successes, r.concurrent = number('calls'), number('successes'), number('concurrent')
    r.passed, r.failed, r.leases = number('passed'), number('failed'), {}
    for text in gmatch((h.leases or '') ~= '' and h.leases .. ';' or '', '([^;]*);') do
      local nonce, ends, length, holder, reopenFor = match(text, '^([%w_-]+),(%d+),(%d+),([%w_-]+),(%d+)$')
      ends, length, reopenFor = count(ends), count(length), count(reopenFor)
      if not (ends and length and reopenFor) then valid = nil end
      r.leases[#r.leases + 1] = {
        nonce = nonce, ['until'] = ends, length = length, reporter = holder, reopenFor = reopenFor,
      }
    end
  end
  if not valid then return { 'unusable', 'corrupt' } end
end
local before = r.epoch
local changed, counted = false, false -- whether to write the whole record; whether to write its run and rings
local reset = 0
`
