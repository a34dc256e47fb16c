/** Documents the script's arguments and result, and defines the limits of `limits.ts`. */
export const CONTRACT: string = String.raw`
--[[ recloser: one command on the record of one breaker, atomically.

KEYS     1  the record, a hash
        [2] a string that holds the time in ms, to replace the server's clock. Only tests pass one: no part of a
            command can become a key.

ARGV     1  command: exchange | acquire | settle | change
         2  channel for hints, empty for none       3  the breaker's name in hints
         4… the sender: reporter, state, epoch, remaining, attempt, decay, reason, by
        12… exchange: epoch, successes, failures, tail,
                      then per ring: window, buckets, slowerThan, calls, failures, slow
            acquire:  nonce, lease, reopenFor, calls, successes, concurrent
            settle:   nonce, epoch, outcome, openFor
            change:   to, nonce, reason, ifEpoch (empty for none), openFor, [calls, successes, concurrent]
            Integers are decimal, up to 15 digits; durations are whole ms.

Result   malformed, field
         unusable, foreign | newer | corrupt
         else: type, why, reset (0 | 1),
               state, epoch, remaining (-1: it never ends), attempt, reason, by, age, and then
            exchanged: counted (0 | 1), run, its reporters,
                       then per ring: calls, failures, slow, reporters of failures, reporters of slow calls
            granted: ms left of the lease     denied: ms until a retry may succeed (-1: never)
            settled, late, changed, refused: nothing

Event    "name epoch" on the channel, after each transition except into half-open.

Fields   recloser (the version), state, epoch, since, attempt, [reason], [by], [changes: nonces]; and
            closed:    decay, [run: failures and reporters], ring:window:buckets:slowerThan (see rings.ts)
            open:      until, length, [failedBy]
            half-open: opened, due, calls, successes, concurrent, passed, failed, [failedBy],
                       [leases: nonce,until,length,reporter,reopenFor;…], [ended: nonces]
            isolated:  nothing

Order    validate, compute, write, publish: when a script fails, its writes are not undone. ]]

local VERSION, MOST, DAY = 1, 999999999999999, 86400000
local ADOPTABLE_AHEAD, WARINESS, SHORTEST_TTL = 60000, 1000, 60000
local MOST_RINGS, MOST_BUCKETS, MOST_REPORTERS, MOST_LEASES = 4, 100, 8, 100
local MOST_ENDED, MOST_CHANGES, MOST_ATTEMPT = 100, 8, 1000000
local LONGEST_DECAY, LONGEST_REASON = 30 * DAY, 256

local A, KEY = ARGV, KEYS[1]
local find, match, gmatch, sub, byte = string.find, string.match, string.gmatch, string.sub, string.byte
local format, rep, concat = string.format, string.rep, table.concat
local floor, min, max = math.floor, math.min, math.max

local function count(text)
  if text and #text <= 15 and find(text, '^%d+$') then return tonumber(text) end
end
local function positive(text)
  local n = count(text)
  if n and n > 0 then return n end
end
local function token(text) return text and #text <= 32 and find(text, '^[%w_-]+$') and text end
local STATES = { closed = 1, open = 1, ['half-open'] = 1, isolated = 1 }
`
