/** Builds the reply as `view.ts` does, writes what has changed, sets the time to live as `reduce.ts` does, and publishes. */
export const WRITE: string = String.raw`
-- Reply: as in view.ts. Lua writes numbers with up to 14 digits, so what can have 15 is digits already.

local left, ramp, attempt = '0', '-1', r.attempt
if r.state == 'closed' then
  if r.ramp ~= '0' and now - r.rampedAt < r.ramp + 0 then ramp = now - r.rampedAt end
  if attempt ~= '0' and r.decay + 0 > 0 then
    attempt = format('%d', max(0, attempt - floor(max(0, now - r.since) / r.decay)))
  end
elseif r.state == 'isolated' then left = '-1'
elseif r.state == 'open' then left = format('%d', max(0, r.ends - now))
elseif #r.leases >= r.concurrent or #r.leases + r.passed + r.failed >= r.calls then
  local first = firstToEnd(r.leases)
  left = first and format('%d', max(0, r.leases[first].ends - now)) or '0'
end
local reply = {
  tag, kind, why, reset .. ' ' .. r.state .. ' ' .. r.epoch .. ' ' .. left .. ' ' .. attempt .. ' ' .. r.by .. ' '
    .. max(0, now - r.since) .. ' ' .. ramp .. ' ' .. r.manual .. ' ' .. r.nonce, r.reason, r.actor, own,
}
if not (changed or runChanged or noted or set) then return reply end

-- Write. HSET comes first, because the server may refuse it when memory is full, and nothing may be half written.

local noteOnly = not (changed or runChanged or set)
local removed = {}
set = set or { KEY }
if changed or noted or fresh then
  local text = format('%d %s epoch=%d since=%d attempt=%d by=%s manual=%d nonce=%s',
    VERSION, r.state, r.epoch, r.since, r.attempt, r.by, r.manual, r.nonce)
  local held = {}
  if r.state == 'closed' then
    text = text .. format(' decay=%d ramp=%d rampedAt=%d reportedAt=%d rings=%s',
      r.decay, r.ramp, r.rampedAt, r.reportedAt, r.rings)
  elseif r.state == 'open' then
    text = text .. format(' until=%d length=%d failedBy=%s', r.ends, r.length, r.failedBy)
  elseif r.state == 'half-open' then
    text = text .. format(' opened=%d due=%d calls=%d successes=%d concurrent=%d passed=%d failed=%d failedBy=%s',
      r.opened, r.due, r.calls, r.successes, r.concurrent, r.passed, r.failed, r.failedBy)
    for i, each in ipairs(r.leases) do
      held[i] = format('%s,%d,%d,%s,%d', each.nonce, each.ends, each.length, each.reporter, each.reopenFor)
    end
  end
  -- Lists that have not been read are removed where they are not set: somebody may have added them.
  for field, change in pairs({
    recloser = { text, line }, reason = { r.reason, reason }, actor = { r.actor, actor },
    leases = { concat(held, ';'), leases }, ended = { concat(r.ended or {}, ','), ended },
  }) do
    if change[1] == '' and change[2] ~= '' then removed[#removed + 1] = field
    elseif change[1] ~= '' and change[1] ~= change[2] then set[#set + 1], set[#set + 2] = field, change[1] end
  end
  for name in gmatch(rings, '[^ ]+') do
    if not find(' ' .. (r.rings or '') .. ' ', ' ' .. name .. ' ', 1, true) then removed[#removed + 1] = name end
  end
end
if changed or runChanged then
  if r.run and r.run ~= '0' then set[#set + 1], set[#set + 2] = 'run', format('%d', r.run) .. r.reporters
  elseif run ~= '' then removed[#removed + 1] = 'run' end
end
if noteOnly then
  -- A store that is full may refuse this, and nothing else (F15b).
  if type(redis.pcall('HSET', unpack(set))) == 'table' then return reply end
elseif set[2] then call('HSET', unpack(set)) end
if #removed > 0 then call('HDEL', KEY, unpack(removed)) end

-- Set the time to live: as in reduce.ts.

if r.state == 'isolated' then
  call('PERSIST', KEY)
else
  local ttl = 0
  if r.state == 'closed' then
    ttl = r.manual == '0' and SHORTEST_TTL or DAY
    if r.ramp ~= '0' then ttl = max(ttl, r.ramp) end
    if r.attempt ~= '0' then ttl = max(ttl, r.since + r.attempt * r.decay - now) end
    if #batches == 1 and r.rings == batches[1][1] then ttl = max(ttl, 2 * batches[1][2])
    else
      for window in gmatch(r.rings, '(%d+):%d+:%d+') do ttl = max(ttl, 2 * window) end
    end
  elseif r.state == 'open' then
    ttl = max(0, r.ends - now) + DAY
  else
    for _, each in ipairs(r.leases) do ttl = max(ttl, each.ends - now) end
    ttl = ttl + DAY
  end
  call('PEXPIRE', KEY, format('%d', min(ttl, MOST)))
end
if r.epoch ~= before and r.state ~= 'half-open' and A[3] ~= '' then
  redis.pcall('PUBLISH', A[3], A[4] .. ' ' .. format('%d', r.epoch))
end
return reply
`
