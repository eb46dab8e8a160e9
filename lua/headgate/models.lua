-- s.models { "openai", "local" }: a handler for GET /v1/models and the like: what these providers
-- have on offer; without names, all of them.
local host = require "headgate.host"
local core = require "headgate.core"

local list = host.models

return function(names)
  if names ~= nil then
    core.options(names, "s.models", {})
    for _, name in ipairs(names) do core.text(name, "s.models") end
  end
  local offers = core.ask(host.offers, names)
  return core.made(function(req)
    return list(offers, req)
  end)
end
