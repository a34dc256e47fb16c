/** Executes an exchange, as `exchange.ts` and `rings.ts` do. */
export const EXCHANGE: string = String.raw`
-- Exchange: as in exchange.ts. Nothing here is a function: to create those, with all that they use, would cost the usual
-- exchange more than to execute them.

local sums, texts = nil, {} -- the reply of an exchange, from the counted flag on; the rings to write, by name
if command == 'exchange' then
  sums = { 0, 0, 0 }
  local counts = r.state == 'closed' and epoch == r.epoch
  if counts and successes > 0 then
    if tail > 0 or r.run > 0 then
      r.run, r.reporters, runChanged = tail, tail > 0 and ',' .. reporter or '', true
    end
  elseif counts and failures > 0 then
    local _, known = gsub(r.reporters, ',', '')
    if known < MOST_REPORTERS and not find(r.reporters .. ',', ',' .. reporter .. ',', 1, true) then
      r.reporters = r.reporters .. ',' .. reporter
    end
    r.run, runChanged = min(r.run + failures, MOST), true
  end
  if r.state == 'closed' then
    local _, known = 0, 0
    if r.reporters ~= '' then _, known = gsub(r.reporters, ',', '') end
    sums = { counts and 1 or 0, r.run, known }
  end

  for i = 1, #batches do
    local name, window, buckets, more, moreFailures, moreSlow = unpack(batches[i])
    local calls, failures, slow, failed, slowed = 0, 0, 0, 0, 0
    local listed = r.rings == name or r.rings and find(' ' .. r.rings .. ' ', ' ' .. name .. ' ', 1, true)
    local room = r.state == 'closed'
    if not counts then more = 0 end

    -- Make room for one more ring: if there are four, remove those without live buckets.
    if more > 0 and not listed then
      local all, live = {}, {}
      for each in gmatch(r.rings, '[^ ]+') do all[#all + 1] = each end
      if #all == MOST_RINGS then
        local stored = call('HMGET', KEY, unpack(all))
        for j, each in ipairs(all) do
          local window, buckets = match(each, '^(%d+):(%d+):')
          local text = texts[each] or stored[j] or ''
          local epoch, at, size = match(text, '^(%d+):(%d+):(%d+):%d+,%d+,%d+;')
          local newest = floor(now * buckets / window)
          if epoch and epoch + 0 == r.epoch and #text <= LONGEST_RING and window + 0 > 0 and newest - at < buckets + 0
            and size + max(0, newest - at) > 0 then live[#live + 1] = each end
        end
        if #live < #all then r.rings, changed = concat(live, ' '), true end
        room = #live < MOST_RINGS
      end
    end

    if room then
      -- Parse the ring, and drop the buckets that have expired.
      local newest, age, size, body = floor(now * buckets / window), 1, 0, '' -- an empty ring has no bucket yet
      local text = texts[name] or listed and got[4 + i] or ''
      local epoch, at, before, c, f, s, rest = match(text, '^(%d+):(%d+):(%d+):(%d+),(%d+),(%d+)(;.*)$')
      if epoch and epoch + 0 == r.epoch and newest - at < buckets and #text <= LONGEST_RING then
        age, body, calls, failures, slow = max(0, newest - at), rest, min(c, MOST), min(f, MOST), min(s, MOST)
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
        size = min(size, buckets)
      end

      -- Add the batch to the newest bucket, which is the first.
      if more > 0 then
        local c, f, s, list, others = 0, 0, 0, '', ''
        if age == 0 and body ~= '' then
          c, others, body = match(body, '^;(%d*)([^;]*)(.*)$')
          if c == '' then c = 0 end
          if others ~= '' then f, s, list = match(others, '^,(%d+),(%d+)(.*)$') end
          if not f then f, s, list = 0, 0, '' end
        elseif age > 1 then
          body = rep(';', age - 1) .. body
        end
        calls, failures = min(calls + more, MOST), min(failures + moreFailures, MOST)
        slow = min(slow + moreSlow, MOST)
        c, f, s = min(c + more, MOST), min(f + moreFailures, MOST), min(s + moreSlow, MOST)
        if moreFailures > 0 or moreSlow > 0 then
          local saw = moreFailures == 0 and '2' or moreSlow > 0 and '3' or '1'
          local names, flags = {}, {}
          for flag, each in gmatch(list, ' ([123])([%w_-]+)') do
            if not flags[each] then names[#names + 1], flags[each] = each, flag
            elseif flags[each] ~= flag then flags[each] = '3' end
          end
          local known = flags[reporter]
          if known ~= saw and known ~= '3' and (known or #names < MOST_REPORTERS) then
            if not known then names[#names + 1] = reporter end
            flags[reporter] = known and '3' or saw
            for j, each in ipairs(names) do names[j] = ' ' .. flags[each] .. each end
            list = concat(names)
          end
        end
        if f == 0 and s == 0 and list == '' then body = format(';%d', c) .. body
        else body = format(';%d,%d,%d', c, f, s) .. list .. body end
        if not listed then r.rings, changed = r.rings == '' and name or r.rings .. ' ' .. name, true end
        texts[name] = format('%d:%d:%d:%d,%d,%d', r.epoch, newest, max(1, size), calls, failures, slow) .. body
      end

      -- Count the reporters.
      if failures + slow > 0 then
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
    if i == 1 then sums = { sums[1], sums[2], sums[3], calls, failures, slow, failed, slowed }
    else
      local n = #sums
      sums[n + 1], sums[n + 2], sums[n + 3], sums[n + 4], sums[n + 5] = calls, failures, slow, failed, slowed
    end
  end
end
`
