/** Writes what has changed, sets the time to live as `reduce.ts` does, and publishes a hint. */
export const WRITE: string = String.raw`
if not (changed or counted) then return reply end

-- Write. HSET comes first, because the server may refuse it when memory is full.

local set, removed = { KEY }, { KEY }
if changed or r.fresh then
  local function put(field, value)
    if h[field] ~= value then
      set[#set + 1] = field
      set[#set + 1] = value
    end
    h[field] = nil
  end
  local function putText(field, value) if value ~= '' then put(field, value) end end
  local function putNumber(field) put(field, format('%d', r[field])) end
  put('recloser', format('%d', VERSION))
  put('state', r.state)
  putNumber('epoch')
  putNumber('since')
  putNumber('attempt')
  putText('reason', r.reason)
  putText('by', r.by)
  putText('changes', r.changes)
  if r.state == 'closed' then
    putNumber('decay')
    putText('run', r.run)
    for name, text in pairs(r.rings) do put('ring:' .. name, text) end
  elseif r.state == 'open' then
    putNumber('until')
    putNumber('length')
    putText('failedBy', r.failedBy)
  elseif r.state == 'half-open' then
    for _, field in ipairs({ 'opened', 'due', 'calls', 'successes', 'concurrent', 'passed', 'failed' }) do
      putNumber(field)
    end
    putText('failedBy', r.failedBy)
    putText('ended', r.ended)
    local leases = {}
    for i, each in ipairs(r.leases) do
      leases[i] = format('%s,%d,%d,%s,%d', each.nonce, each['until'], each.length, each.reporter, each.reopenFor)
    end
    putText('leases', concat(leases, ';'))
  end
  for field in pairs(h) do removed[#removed + 1] = field end
else
  if r.run == '' then
    if h.run then removed[2] = 'run' end
  elseif r.run ~= h.run then
    set[2], set[3] = 'run', r.run
  end
  for _, name in ipairs(touched) do
    set[#set + 1] = 'ring:' .. name
    set[#set + 1] = r.rings[name]
  end
end
if #set > 1 then redis.call('HSET', unpack(set)) end
if #removed > 1 then redis.call('HDEL', unpack(removed)) end

-- Set the time to live: as in reduce.ts.

if r.state == 'isolated' then
  redis.call('PERSIST', KEY)
else
  local ttl
  if r.state == 'closed' then
    ttl = max(SHORTEST_TTL, r.since + r.attempt * r.decay - now)
    for name in pairs(r.rings) do ttl = max(ttl, 2 * (tonumber(match(name, '^%d+')) or 0)) end
  elseif r.state == 'open' then
    ttl = max(0, r['until'] - now) + DAY
  else
    ttl = 0
    for _, each in ipairs(r.leases) do ttl = max(ttl, each['until'] - now) end
    ttl = ttl + DAY
  end
  redis.call('PEXPIRE', KEY, format('%d', ttl))
end
if r.epoch ~= before and r.state ~= 'half-open' and A[2] ~= '' then
  redis.pcall('PUBLISH', A[2], A[3] .. ' ' .. format('%d', r.epoch))
end
return reply
`
