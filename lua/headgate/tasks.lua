-- Waiting, and doing several things at once. A task ends with the request that started it.
local host = require "headgate.host"
local core = require "headgate.core"

local tasks = {}

function tasks.sleep(time)
  return host.sleep(type(time) == "number" and time or core.seconds(time, "s.sleep"))
end

-- s.spawn(f, ...) -> task;  s.spawn { f, ..., detached = true } outlives the request.
function tasks.spawn(f, ...)
  if type(f) == "function" then return host.spawn(f, ...) end
  core.options(f, "s.spawn", { "detached" })
  if type(f[1]) ~= "function" then core.fail "s.spawn: a function is needed" end
  return (f.detached and host.detach or host.spawn)(table.unpack(f))
end

-- s.wait(task [, time]) -> what its function returned; nil, err if it takes longer.
function tasks.wait(task, time)
  if not host.wait({ task }, time and core.seconds(time, "s.wait")) then
    return nil, host.error("timeout", 504, "a task was not done in time")
  end
  return host.result(task)
end

tasks.cancel = host.cancel

local Deferred = {
  __close = function(deferred) deferred.f() end,
  __metatable = false,
}

-- local _ <close> = s.defer(f): f runs when the block is left, whatever the way.
function tasks.defer(f)
  if type(f) ~= "function" then core.fail "s.defer: a function is needed" end
  return setmetatable({ f = f }, Deferred)
end

return tasks
