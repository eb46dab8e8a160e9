-- s.shadow(h, { to = h2, sample = 0.02, max_inflight = 8 }): h2 gets a copy of some requests; what
-- it answers is recorded and dropped, and the client never waits for it. Realtime sessions have no
-- shadow: nobody would speak in it.
local host = require "headgate.host"
local core = require "headgate.core"

return function(handler, o)
  core.options(o, "s.shadow", { "to", "sample", "max_inflight" })
  local run = core.handler(handler, "s.shadow")
  local to = core.handler(o.to, "s.shadow: to")
  local sample = core.number(o.sample, "s.shadow: sample", 0, 1, 1)
  local most = core.number(o.max_inflight, "s.shadow: max_inflight", 1, 10000, 8)
  local inflight = 0
  local leave = setmetatable({}, { __close = function() inflight = inflight - 1 end })

  -- The copy is the request as it was now; the handler may still change its own.
  local function follow(copy)
    local _ <close> = leave
    to(copy) -- the host reads a detached answer to its end by itself
  end

  return core.made(function(req, options)
    if inflight < most and req.kind ~= "realtime" and host.random() < sample then
      inflight = inflight + 1
      if not host.detach(follow, req:with {}) then inflight = inflight - 1 end
    end
    return run(req, options)
  end)
end
