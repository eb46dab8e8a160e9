-- s.shared "name": values that all workers of this machine see. No waiting; times in words.
local host = require "headgate.host"
local core = require "headgate.core"

local Map = {}
Map.__index = Map
Map.__metatable = false

local function seconds(ttl)
  if ttl == nil or type(ttl) == "number" then return ttl end
  return core.seconds(ttl, "s.shared: ttl")
end

function Map:get(key) return self.map:get(key) end

function Map:set(key, value, ttl) return self.map:set(key, value, seconds(ttl)) end

function Map:incr(key, delta, ttl) return self.map:incr(key, delta or 1, seconds(ttl)) end

function Map:cas(key, old, new, ttl) return self.map:cas(key, old, new, seconds(ttl)) end

-- "100/m" -> per second. Parsed once for each text.
local per = { s = 1, m = 60, h = 3600, d = 86400 }
local rates = {}

local function rate_of(rate)
  if type(rate) == "number" then return rate end
  local known = rates[rate]
  if known then return known end
  local n, unit = tostring(rate):match "^(%d+%.?%d*)/([smhd])$"
  if not n then
    core.fail("s.shared: a rate is needed, such as 10 (per second) or \"100/m\", not %s", tostring(rate))
  end
  rates[rate] = tonumber(n) / per[unit]
  return rates[rate]
end

-- take(key, { rate = "100/m", burst = 20, n = 1 }) -> ok, seconds until it would be
function Map:take(key, o)
  local rate = rate_of(o.rate)
  return self.map:take(key, { rate = rate, burst = o.burst or math.max(rate, 1), n = o.n or 1 })
end

return function(name)
  return setmetatable({ map = core.ask(host.shared, core.text(name, "s.shared")) }, Map)
end
