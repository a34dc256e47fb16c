/** Executes an exchange, as `exchange.ts` and `rings.ts` do. */
export const EXCHANGE: string = String.raw`
-- Exchange: as in exchange.ts, rings.ts. Nothing here is a function: to create some, with all that they refer to, would
-- cost the usual exchange more than what they do.

if command == 'exchange' then
  local closed = r.state == 'closed'
  local counts, reporters = closed and epoch == r.epoch, '0'
  if counts and successes ~= '0' then
    if tail ~= '0' or r.run ~= '0' then
      r.run, r.reporters, runChanged = tail, tail ~= '0' and ',' .. reporter or '', true
    end
  elseif counts and failures ~= '0' then
    local _, known = gsub(r.reporters, ',', '')
    if known < MOST_REPORTERS and not find(r.reporters .. ',', ',' .. reporter .. ',', 1, true) then
      r.reporters = r.reporters .. ',' .. reporter
    end
    r.run, runChanged = format('%d', min(r.run + failures, MOST)), true
  end
  if closed then
    if r.reporters ~= '' then reporters = select(2, gsub(r.reporters, ',', '')) end
    own = (counts and '1 ' or '0 ') .. r.run .. ' ' .. reporters
  else
    own = '0 0 0'
  end
  if counts and (successes ~= '0' or failures ~= '0') then
    local since = now - r.reportedAt
    if since < 0 or since >= REPORT_NOTE then r.reportedAt, noted = now, true end
  end

  local texts = {} -- the rings that this command has changed, if it names several
  for i = 1, #batches do
    local name, window, buckets, more, moreFailures, moreSlow = unpack(batches[i])
    local calls, failures, slow, failed, slowed = '0', '0', '0', '0', '0'
    local known = r.rings == name or closed and find(' ' .. r.rings .. ' ', ' ' .. name .. ' ', 1, true)
    local room = closed
    if not counts then more = '0' end

    -- Make room for one more ring: if there are four, remove those without live buckets.
    if more ~= '0' and not known and r.rings ~= '' then
      local all, live = {}, {}
      for each in gmatch(r.rings, '[^ ]+') do all[#all + 1] = each end
      if #all == MOST_RINGS then
        local stored = call('HMGET', KEY, unpack(all))
        for j, each in ipairs(all) do
          local text, window, buckets = texts[each] or stored[j] or '', match(each, '^(%d+):(%d+):')
          local epoch, at, size = match(#text <= LONGEST_RING and text or '', '^(%d+):(%d+):(%d+):%d+,%d+,%d+;')
          if epoch == r.epoch and (#size < 3 or size == '100') and window + 0 > 0 and buckets + 0 > 0 then
            local age = floor(now * buckets / window) - at
            if age < buckets + 0 and size + max(0, age) > 0 then live[#live + 1] = each end
          end
        end
        if #live < #all then r.rings, changed = concat(live, ' '), true end
        room = #live < MOST_RINGS
      end
    end

    if room then
      -- Parse the ring, and drop the buckets that have expired. An empty ring is one whose first bucket is yet to come.
      local newest, age, size, body = floor(now * buckets / window), 1, 0, ''
      local text = texts[name] or known and got[4 + i] or ''
      if #text > LONGEST_RING then text = '' end
      local epoch, at, before, c, f, s, rest = match(text, '^(%d+):(%d+):(%d+):(%d+),(%d+),(%d+)(;.*)$')
      if epoch == r.epoch and newest - at < buckets and (#before < 3 or before == '100') then
        age, body, calls = newest - at, rest, min(c, MOST)
        if age < 0 then age = 0 end
        if f ~= '0' then failures = min(f, MOST) end
        if s ~= '0' then slow = min(s, MOST) end
        size = before + age
        while size > buckets and body ~= '' do
          local counted, others
          body, counted, others = match(body, '^(.*);(%d*)([^;]*)$')
          size = size - 1
          if counted ~= '' then calls = max(0, calls - counted) end
          if others ~= '' then
            local f, s = match(others, '^,(%d+),(%d+)')
            failures, slow = max(0, failures - (f or 0)), max(0, slow - (s or 0))
          end
        end
        if size > buckets then size = buckets end
      end

      -- Add the batch to the newest bucket, which is the first.
      if more ~= '0' then
        local c, f, s, list, others = 0, 0, 0, '', ''
        if age == 0 and body ~= '' then
          c, others, body = match(body, '^;(%d*)([^;]*)(.*)$')
          if c == '' then c = 0 end
          if others ~= '' then
            f, s, list = match(others, '^,(%d+),(%d+)(.*)$')
            f, s, list = min(f or 0, MOST), min(s or 0, MOST), list or ''
          end
        elseif age > 1 then
          body = rep(';', age - 1) .. body
        end
        c, calls = c + more, calls + more
        if c > MOST then c = MOST end
        if moreFailures ~= '0' or moreSlow ~= '0' then
          f, failures = min(f + moreFailures, MOST), failures + moreFailures
          s, slow = min(s + moreSlow, MOST), slow + moreSlow
          local saw = moreFailures == '0' and '2' or moreSlow ~= '0' and '3' or '1'
          local names, flags = {}, {}
          for flag, each in gmatch(list, ' ([123])([%w_-]+)') do
            if not flags[each] then names[#names + 1], flags[each] = each, flag
            elseif flags[each] ~= flag then flags[each] = '3' end
          end
          local flag = flags[reporter]
          if flag ~= saw and flag ~= '3' and (flag or #names < MOST_REPORTERS) then
            if not flag then names[#names + 1] = reporter end
            flags[reporter] = flag and '3' or saw
            for j, each in ipairs(names) do names[j] = ' ' .. flags[each] .. each end
            list = concat(names)
          end
        end
        if f == 0 and s == 0 and list == '' then body = format(';%d', c) .. body
        else body = format(';%d,%d,%d', c, f, s) .. list .. body end
      end

      calls = format('%d', min(calls, MOST))
      if failures ~= '0' then failures = format('%d', min(failures, MOST)) end
      if slow ~= '0' then slow = format('%d', min(slow, MOST)) end
      if more ~= '0' then
        if size == 0 then size = 1 end
        if not known then r.rings, changed = r.rings == '' and name or r.rings .. ' ' .. name, true end
        text = r.epoch .. format(':%d:%d:', newest, size) .. calls .. ',' .. failures .. ',' .. slow .. body
        if set then set[#set + 1], set[#set + 2] = name, text else set = { KEY, name, text } end
        if #batches > 1 then texts[name] = text end
      end

      -- Count the reporters.
      if failures ~= '0' or slow ~= '0' then
        local failedOn, slowOn, seen = {}, {}, nil
        for list in gmatch(body, '( [^;]+)') do
          if list ~= seen then -- neighboring buckets mostly have the same list
            seen = list
            for flag, each in gmatch(list, ' ([123])([%w_-]+)') do
              if flag ~= '2' and not failedOn[each] then failedOn[each], failed = true, failed + 1 end
              if flag ~= '1' and not slowOn[each] then slowOn[each], slowed = true, slowed + 1 end
            end
          end
        end
      end
    end
    own = own .. ' ' .. calls .. ' ' .. failures .. ' ' .. slow .. ' ' .. failed .. ' ' .. slowed
  end
end
`
