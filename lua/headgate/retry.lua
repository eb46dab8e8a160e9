-- s.retry(h, { attempts = 3, backoff = { "200ms", "2s" }, on = {...} }): the same one again.
-- Never after the first byte: a handler that has returned a response cannot fail any more.
local host = require "headgate.host"
local core = require "headgate.core"

local random, sleep = host.random, host.sleep

-- Twice as long each time, and somewhere in the upper half of it, so that many who failed together
-- do not come back together.
local function pause(attempt, least, most)
  local time = math.min(least * 2 ^ (attempt - 1), most)
  return time * (0.5 + random() / 2)
end

return function(handler, o)
  o = core.options(o or {}, "s.retry", { "attempts", "backoff", "on", "longest_wait" })
  local run = core.handler(handler, "s.retry")
  local attempts = core.number(o.attempts, "s.retry: attempts", 1, 20, 3)
  local on = core.on(o.on, "s.retry: on")
  local backoff = o.backoff or { "200ms", "2s" }
  if type(backoff) ~= "table" then backoff = { backoff, backoff } end
  local least = core.seconds(backoff[1], "s.retry: backoff")
  local most = core.seconds(backoff[2], "s.retry: backoff", least)
  local longest = core.seconds(o.longest_wait, "s.retry: longest_wait", 60)

  return core.made(function(req, options)
    for attempt = 1, attempts do
      local resp, err = run(req, options)
      if resp or attempt == attempts or not on(err) then return resp, err end
      if err.spent then return nil, err end -- a quota that is used up for longer than we wait

      -- Retry-After is obeyed if there is time for it; else this has failed now.
      local time = math.max(pause(attempt, least, most), err.retry_after or 0)
      if time > longest or time >= (req.deadline or math.huge) then return nil, err end
      sleep(time)
    end
  end)
end
