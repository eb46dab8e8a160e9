-- s.fallback { h1, h2, on = {...}, first_token = "8s" }: the next one if one fails.
local core = require "headgate.core"

return function(o)
  core.options(o, "s.fallback", { "on", "first_token" })
  local handlers = core.handlers(o, "s.fallback")
  local on = core.on(o.on, "s.fallback: on")
  local merged = core.merger {
    first_token = o.first_token and core.seconds(o.first_token, "s.fallback: first_token"),
  }
  local has_options = o.first_token ~= nil

  return core.made(function(req, options)
    if has_options then options = merged(options) end
    local err
    for i = 1, #handlers do
      local resp, e = handlers[i](req, options)
      if resp then return resp end
      if not on(e) then return nil, e end
      err = e
    end
    return nil, err
  end)
end
