-- s.hedge { h1, h2, after = "700ms", budget = 0.10, on = {...} }: start the next one if the first
-- has not produced a token by then; the first response wins.
local host = require "headgate.host"
local core = require "headgate.core"

local spawn, wait, result, cancel = host.spawn, host.wait, host.result, host.cancel

local WINDOW = 60

-- May there be one more call than requests? Counted over all workers, by the minute; one is always
-- allowed, so that it works when there is little traffic.
local function allowance(share)
  if not share then return function() end, function() return true end end
  local id = core.id "hedge"
  local calls, extra = id .. ":calls", id .. ":extra"
  return function()
    core.shared():incr(calls, 1, WINDOW)
  end, function()
    local map = core.shared()
    if map:incr(extra, 1, WINDOW) <= math.max(1, share * (map:get(calls) or 0)) then return true end
    map:incr(extra, -1, WINDOW)
    return false
  end
end

local function cancel_all(tasks)
  for i = 1, #tasks do
    if tasks[i] then cancel(tasks[i]) end
  end
end

return function(o)
  core.options(o, "s.hedge", { "after", "budget", "on" })
  local handlers = core.handlers(o, "s.hedge")
  if #handlers < 2 then core.fail "s.hedge: at least two handlers are needed" end
  local after = core.seconds(o.after, "s.hedge: after")
  local on = core.on(o.on, "s.hedge: on")
  local count_call, may_start =
    allowance(o.budget and core.number(o.budget, "s.hedge: budget", 0, 1))

  return core.made(function(req, options)
    local tasks, alive, started, err = {}, 0, 0, nil
    local may_go_on = true

    local function start()
      started, alive = started + 1, alive + 1
      tasks[started] = spawn(handlers[started], req, options)
    end

    count_call()
    start()
    while alive > 0 do
      local i = wait(tasks, may_go_on and started < #handlers and after or nil)
      if not i then
        may_go_on = may_start()
        if may_go_on then start() end
      else
        local resp, e = result(tasks[i])
        tasks[i], alive = false, alive - 1
        if resp then
          cancel_all(tasks)
          return resp
        end
        err = e
        -- One that failed makes room for the next, as in a fallback.
        if not on(err) then break end
        if alive == 0 and started < #handlers then start() end
      end
    end
    cancel_all(tasks)
    return nil, err
  end)
end
