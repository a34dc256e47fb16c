/** Reads the record, as `record.ts` does, and the time. */
export const READ: string = String.raw`
-- Read the record: as in record.ts, in the format of fields.ts. Only the fields that the command needs are read.

local got
if #batches == 1 then got = redis.pcall('HMGET', KEY, 'recloser', 'reason', 'actor', 'run', batches[1][1])
else
  local names = {}
  for i = 1, #batches do names[i] = batches[i][1] end
  got = redis.pcall('HMGET', KEY, 'recloser', 'reason', 'actor', 'run', unpack(names))
end
if got.err then
  if find(got.err, '^WRONGTYPE') then return { tag, 'unusable', 'foreign' } end
  return got
end
local now
if KEYS[2] then
  now = call('GET', KEYS[2]) + 0
else
  local time = call('TIME')
  now = time[1] * 1000 + floor(time[2] / 1000)
end

local line, reason, actor, run = got[1], got[2] or '', got[3] or '', got[4] or ''
local leases, ended -- as text, if they have been read
local r -- the record; its integers are digits, or numbers as soon as they have changed
local fresh = not line -- whether the record is to be created
local usable = true
if fresh then
  if call('HLEN', KEY) > 0 then return { tag, 'unusable', 'foreign' } end
  leases, ended = '', ''
  r = {
    state = 'closed', epoch = '0', since = now, attempt = '0', reason = '', by = '', manual = '0', nonce = '',
    actor = '', decay = '0', ramp = '0', rampedAt = '0', reportedAt = '0', run = '0', reporters = '', rings = '',
  }
else
  local state, at, since, attempt, by, manual, given, rest = match(#line <= LONGEST_LINE and line or '',
    '^2 ([%l-]+) epoch=(%d+) since=(%d+) attempt=(%d+) by=([%w_-]*) manual=(%d+) nonce=([%w_-]*)(.*)$')
  if not state then -- it is not of this version
    local version = match(sub(line, 1, 16), '^%d+')
    if not version or #version > 15 or version + 0 == 0 then return { tag, 'unusable', 'foreign' } end
    return { tag, 'unusable', version + 0 > VERSION and 'newer' or 'corrupt' }
  end
  usable = #at <= LONGEST_EPOCH and max(#since, #attempt, #manual) <= 15 and max(#by, #given) <= LONGEST_TOKEN
    and #reason <= LONGEST_REASON and #actor <= LONGEST_ACTOR and isUtf8(reason) and isUtf8(actor)
  usable = usable and #run <= LONGEST_LINE
  if not usable then -- and nothing more is parsed
  elseif state == 'closed' then
    local decay, ramp, rampedAt, reportedAt, rings =
      match(rest, '^ decay=(%d+) ramp=(%d+) rampedAt=(%d+) reportedAt=(%d+) rings=(.*)$')
    if not decay or max(#decay, #ramp, #rampedAt, #reportedAt) > 15 then return { tag, 'unusable', 'corrupt' } end
    r = {
      state = state, epoch = at, since = since, attempt = attempt, reason = reason, by = by, manual = manual,
      nonce = given, actor = actor, decay = decay, ramp = ramp, rampedAt = rampedAt, reportedAt = reportedAt,
      run = '0', reporters = '', rings = rings,
    }
    if run ~= '' then
      local failed, list = match(run, '^([1-9]%d*)(.*)$')
      local names, length = 0, 0
      for name in gmatch(list or '', ',([%w_-]+)') do
        names, length = names + 1, length + 1 + #name
        if names > MOST_REPORTERS or #name > LONGEST_TOKEN then
          usable = false
          break
        end
      end
      if not usable or not failed or #failed > 15 or length ~= #list then usable = false
      else r.run, r.reporters = failed, list end
    end
    if rings ~= '' and rings ~= (batches[1] and batches[1][1]) then
      local names, seen = 0, ' '
      for name, window, buckets, slower in gmatch(rings, '((%d+):(%d+):(%d+))') do
        names = names + 1
        if names > MOST_RINGS or #window > 8 or #buckets > 3 or #slower > 15
          or find(seen, ' ' .. name .. ' ', 1, true) then
          usable = false
          break
        end
        seen = seen .. name .. ' '
      end
      usable = usable and seen == ' ' .. rings .. ' '
    end
  else
    r = {
      state = state, epoch = at, since = since, attempt = attempt, reason = reason, by = by, manual = manual,
      nonce = given, actor = actor,
    }
    local parts = {}
    if state == 'open' then
      parts = { match(rest, '^ until=(%d+) length=(%d+) failedBy=([%w_-]*)$') }
      r.ends, r.length, r.failedBy = tonumber(parts[1]), tonumber(parts[2]), parts[3]
    elseif state == 'half-open' then
      parts = { match(rest, '^ opened=(%d+) due=(%d+) calls=(%d+) successes=(%d+) concurrent=(%d+) '
        .. 'passed=(%d+) failed=(%d+) failedBy=([%w_-]*)$') }
      r.opened, r.due, r.calls = tonumber(parts[1]), tonumber(parts[2]), tonumber(parts[3])
      r.successes, r.concurrent, r.passed = tonumber(parts[4]), tonumber(parts[5]), tonumber(parts[6])
      r.failed, r.failedBy = tonumber(parts[7]), parts[8]
      local lists = call('HMGET', KEY, 'leases', 'ended')
      leases, ended = lists[1] or '', lists[2] or ''
      r.leases, r.ended = {}, {}
      usable = #leases <= LONGEST_LIST and #ended <= LONGEST_LIST
      for text in gmatch(usable and leases ~= '' and leases .. ';' or '', '([^;]*);') do
        local nonce, ends, length, holder, reopenFor = match(text, '^([%w_-]+),(%d+),(%d+),([%w_-]+),(%d+)$')
        if not nonce or max(#ends, #length, #reopenFor) > 15 or max(#nonce, #holder) > LONGEST_TOKEN
          or #r.leases == MOST_LEASES or length + 0 > DAY then
          usable = false
          break
        end
        r.leases[#r.leases + 1] = {
          nonce = nonce, ends = ends + 0, length = length + 0, reporter = holder, reopenFor = reopenFor + 0,
        }
      end
      for each in gmatch(usable and ended ~= '' and ended .. ',' or '', '([^,]*),') do
        if not find(each, '^[%w_-]+$') or #each > LONGEST_TOKEN or #r.ended == MOST_ENDED then
          usable = false
          break
        end
        r.ended[#r.ended + 1] = each
      end
    elseif state == 'isolated' and rest == '' then
      parts = { '' }
    end
    usable = usable and parts[1] ~= nil
    for i, part in ipairs(parts) do usable = usable and #part <= (parts[i + 1] and 15 or LONGEST_TOKEN) end
    usable = usable and (state ~= 'open' or r.length <= DAY) and (state ~= 'half-open'
      or r.concurrent > 0 and r.concurrent <= MOST_LEASES and r.passed < r.successes and r.failed + r.successes <= r.calls)
  end
end
if not usable then return { tag, 'unusable', 'corrupt' } end

local before, rings = r.epoch, r.rings or '' -- what the record was at first: its epoch, the names of its rings
local changed, runChanged, noted, set = false, false, false, nil -- what to write: everything, the run, the note, the rings
local kind, why, reset, own = 'exchanged', '', '0', '' -- the reply
`
