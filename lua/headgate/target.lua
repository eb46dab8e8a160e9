-- s.target "instance/model" [, params]: one provider instance with one model.
local host = require "headgate.host"
local core = require "headgate.core"

local call = host.call

return function(name, params)
  core.text(name, "s.target")
  if params ~= nil and type(params) ~= "table" then
    core.fail("s.target: parameters are a table such as { temperature = 0 }, not a %s", type(params))
  end
  local handle = core.ask(host.target, name, params)
  local function ask(req, options)
    return call(handle, req, options)
  end
  return core.made_target(ask, ask)
end
