-- require "headgate": the words a route is written with. One file per word.
local host = require "headgate.host"
local core = require "headgate.core"
local tasks = require "headgate.tasks"

local s = {
  -- handlers: fun(req) -> resp | nil, err
  target = require "headgate.target",
  fallback = require "headgate.fallback",
  balance = require "headgate.balance",
  switch = require "headgate.switch",
  retry = require "headgate.retry",
  guard = require "headgate.guard",
  cached = require "headgate.cached",
  hedge = require "headgate.hedge",
  canary = require "headgate.canary",
  shadow = require "headgate.shadow",
  timeout = require "headgate.timeout",
  models = require "headgate.models",

  -- inside of a handler
  race = require "headgate.race",
  all = require "headgate.all",
  deny = require "headgate.deny",
  shared = require "headgate.shared",
  http = require "headgate.http",
  sleep = tasks.sleep,
  spawn = tasks.spawn,
  wait = tasks.wait,
  cancel = tasks.cancel,
  defer = tasks.defer,

  -- values
  route = require "headgate.route",
  by = require "headgate.by",
  log = require "headgate.log",
  now = host.now,
  bucket = host.bucket,
  random = host.random,
  set = core.set,
  json = { decode = host.json_decode, encode = host.json_encode },
}

function s.duration(value)
  return core.seconds(value, "s.duration")
end

function s.size(value)
  return host.size(value)
    or core.fail("s.size: a size is needed, such as \"64KB\" or \"10MB\", not %s", tostring(value))
end

return s
