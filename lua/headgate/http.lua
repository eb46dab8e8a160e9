-- s.http "name": requests to an upstream that the configuration names. They wait.
local host = require "headgate.host"
local core = require "headgate.core"

local Upstream = {}
Upstream.__index = Upstream
Upstream.__metatable = false

local names = { "headers", "json", "form", "body", "timeout" }

-- The options as the host wants them: times in seconds. Most calls need no copy.
local function checked(o, place)
  if o == nil then return nil end
  core.options(o, place, names)
  if type(o.timeout) ~= "string" then return o end
  local copy = {}
  for k, v in pairs(o) do copy[k] = v end
  copy.timeout = core.seconds(o.timeout, place .. ": timeout")
  return copy
end

function Upstream:get(path, o) return self.upstream:get(path, checked(o, "s.http:get")) end

function Upstream:post(path, o) return self.upstream:post(path, checked(o, "s.http:post")) end

return function(name)
  return setmetatable({ upstream = core.ask(host.http, core.text(name, "s.http")) }, Upstream)
end
