-- s.cached(h, { store = "name", mode = "exact" | "semantic", threshold = 0.95, ttl = "10m",
-- wait = "30s" | false })
local host = require "headgate.host"
local core = require "headgate.core"

local lookup, store = host.cache_lookup, host.cache_store

return function(handler, o)
  core.options(o, "s.cached", { "store", "mode", "ttl", "threshold", "wait" })
  local run = core.handler(handler, "s.cached")
  local mode = core.choice(o.mode, "s.cached: mode", { "exact", "semantic" }, "exact")
  if o.threshold and mode ~= "semantic" then
    core.fail "s.cached: threshold is for mode = \"semantic\""
  end
  local cache = core.ask(host.cache, core.text(o.store, "s.cached: store"), {
    mode = mode,
    ttl = core.seconds(o.ttl, "s.cached: ttl", 3600),
    wait = o.wait ~= false and core.seconds(o.wait, "s.cached: wait", 30) or 0,
    threshold = core.number(o.threshold, "s.cached: threshold", 0, 1, 0.95),
  })

  return core.made(function(req, options)
    -- A cache that fails is a cache that has nothing.
    local found, miss = lookup(cache, req)
    if found then return found end

    -- Others may wait for this answer: they hear of it if there will be none, whatever the reason.
    local _ <close> = miss
    local resp, err = run(req, options)
    if not resp then return nil, err end
    if miss then store(miss, resp) end
    return resp
  end)
end
