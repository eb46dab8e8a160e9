-- s.cached(h, { store = "name", mode = "exact" | "semantic", ttl = "10m", threshold = 0.95 })
local host = require "headgate.host"
local core = require "headgate.core"

local lookup, store = host.cache_lookup, host.cache_store

return function(handler, o)
  core.options(o, "s.cached", { "store", "mode", "ttl", "threshold" })
  local run = core.handler(handler, "s.cached")
  local mode = core.choice(o.mode, "s.cached: mode", { "exact", "semantic" }, "exact")
  if o.threshold and mode ~= "semantic" then
    core.fail "s.cached: threshold is for mode = \"semantic\""
  end
  local cache = core.ask(host.cache, core.text(o.store, "s.cached: store"), {
    mode = mode,
    ttl = core.seconds(o.ttl, "s.cached: ttl", 3600),
    threshold = core.number(o.threshold, "s.cached: threshold", 0, 1, 0.95),
  })

  return core.made(function(req, options)
    -- A cache that fails is a cache that has nothing.
    local found = lookup(cache, req)
    if found then return found end
    local resp, err = run(req, options)
    if not resp then return nil, err end
    store(cache, req, resp)
    return resp
  end)
end
