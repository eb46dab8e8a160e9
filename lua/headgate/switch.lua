-- s.switch { { h1, when = fun | { metadata = {...} } }, ..., default = h2 }: the first that fits.
local core = require "headgate.core"

-- What a table in `when` may look at.
local fields = { "metadata", "headers", "model", "stream", "kind" }

-- A predicate of one value: equal to it, or among a list of values.
local function equals(want)
  if type(want) ~= "table" then return function(value) return value == want end end
  local set = core.set(want)
  return function(value) return value ~= nil and set[value] == true end
end

local function all_of(tests)
  return function(req)
    for i = 1, #tests do
      if not tests[i](req) then return false end
    end
    return true
  end
end

local function condition(when, place)
  if type(when) == "function" then return when end
  core.options(when, place, fields)
  local tests = {}
  for _, field in ipairs(fields) do
    local want = when[field]
    if field == "metadata" or field == "headers" then
      if want ~= nil and type(want) ~= "table" then
        core.fail("%s: %s is a table of names and values", place, field)
      end
      for name, value in pairs(want or {}) do
        local fits = equals(value)
        tests[#tests + 1] = function(req) return fits(req[field][name]) end
      end
    elseif want ~= nil then
      local fits = equals(want)
      tests[#tests + 1] = function(req) return fits(req[field]) end
    end
  end
  if #tests == 0 then core.fail("%s: an empty condition always fits; use default", place) end
  return #tests == 1 and tests[1] or all_of(tests)
end

return function(o)
  local host = require "headgate.host"
  core.options(o, "s.switch", { "default" })
  local whens, handlers = {}, {}
  for i, arm in ipairs(o) do
    local place = ("s.switch: #%d"):format(i)
    core.options(arm, place, { "when" })
    handlers[i] = core.handler(arm[1], place)
    whens[i] = condition(arm.when, place .. ": when")
  end
  if #handlers == 0 then core.fail "s.switch: at least one { handler, when = ... } is needed" end
  local default = o.default and core.handler(o.default, "s.switch: default")

  return core.made(function(req, options)
    for i = 1, #handlers do
      if whens[i](req) then return handlers[i](req, options) end
    end
    if default then return default(req, options) end
    return nil, host.error("bad_request", 400, "no condition of this route fits the request")
  end)
end
