/** Documents the script's arguments and result, and defines the limits of `limits.ts`. */
export const CONTRACT: string = String.raw`
--[[ recloser: one command on the record of one breaker, atomically.

KEYS     1  the record, a hash
        [2] a string that holds the time in ms, to replace the server's clock. Only tests pass one: no part of a
            command can become a key.

ARGV     1  a token of the client's choice, which the reply repeats: 1 to 32 characters of A-Z a-z 0-9 _ . -
         2  command: exchange | acquire | settle | change
         3  channel for hints, empty for none       4  the breaker's name in hints
         5  the sender: "reporter state epoch remaining attempt decay ramped ramp by manual nonce",
            ramped is - if it does not ramp, manual and nonce are the last manual change
         6  its reason                              7  the actor of its last manual change
         8  exchange: "epoch successes failures tail"; from 9 on, per ring:
                      "window:buckets:slowerThan calls failures slow"
            acquire:  "nonce lease reopenFor calls successes concurrent"
            settle:   "nonce epoch outcome openFor"
            change:   "to nonce ifEpoch ifManual openFor calls successes concurrent", 9 reason, 10 actor;
                      ifEpoch is empty for a manual change, and what does not apply is 0
            Integers are decimal and at most MOST; durations are whole ms.

Result   an error, unless there is a token; else the token, and then
         malformed, the part of the command that is invalid: type | sender | exchange | ring | acquire | …
         unusable, foreign | newer | corrupt
         else: type, why, "reset state epoch remaining attempt by age ramped manual nonce", reason, actor, own;
            reset is 0 or 1, remaining is -1 if it never ends, ramped is -1 if the fleet does not ramp; own is, for
            exchanged: "counted run reporters" (counted is 0 or 1), and then per ring
                       "calls failures slow reporters reporters": those of failures, those of slow calls
            granted:   ms left of the lease
            denied:    ms until a retry may succeed (-1: never)
            settled, late, changed, refused: empty

Event    "name epoch" on the channel, after each transition except into half-open.

Fields   recloser: "version state epoch=N since=N attempt=N by=TEXT manual=N nonce=TEXT", and in the same line
            closed:    "decay=N ramp=N rampedAt=N reportedAt=N rings=NAMES", four at most
            open:      "until=N length=N failedBy=TEXT"
            half-open: "opened=N due=N calls=N successes=N concurrent=N passed=N failed=N failedBy=TEXT"
         [reason], [actor]: texts
         closed:    [run: "failures,reporter,…"], one per ring, named window:buckets:slowerThan: see reducer/rings.ts
         half-open: [leases: "nonce,until,length,reporter,reopenFor;…"], [ended: "nonce,…"]
         Fields with other names are neither read nor written, however many there are.

Version  The script reads records of its own version. From version 3 on, it must read those of the version before, too:
         during a rollout, both write the same records. Do that where read.ts and fields.ts compare the version.

Order    validate, compute, write, publish: when a script fails, its writes are not undone. ]]

local VERSION, MOST, DAY = 2, 999999999999999, 86400000
local ADOPTABLE_AHEAD, WARINESS, SHORTEST_TTL, REPORT_NOTE = 60000, 1000, 300000, 60000
local MOST_RINGS, MOST_BUCKETS, MOST_REPORTERS, MOST_LEASES = 4, 100, 8, 100
local MOST_ENDED, MOST_ATTEMPT, LONGEST_DECAY = 100, 1000000, 30 * DAY
local LONGEST_EPOCH, LONGEST_TOKEN, LONGEST_REASON, LONGEST_ACTOR = 14, 32, 256, 64
local LONGEST_LINE, LONGEST_LIST, LONGEST_RING = 1000, 12000, 40000 -- longer than anything valid

local A, KEY, call = ARGV, KEYS[1], redis.call
local find, match, gmatch, gsub, sub = string.find, string.match, string.gmatch, string.gsub, string.sub
local format, rep, concat = string.format, string.rep, table.concat
local floor, min, max = math.floor, math.min, math.max
`
