-- s.timeout(h, "10s"): an answer has to begin by then.
local core = require "headgate.core"

return function(handler, time)
  local seconds = core.seconds(time, "s.timeout")
  local run = core.handler(handler, "s.timeout")
  local call = core.target_call(handler)

  -- A target has a timer of its own; anything else runs as a task that is waited for.
  if call then
    local merged = core.merger { timeout = seconds }
    return core.made(function(req, options) return call(req, merged(options)) end)
  end
  return core.made(function(req, options) return core.within(run, req, seconds, options) end)
end
