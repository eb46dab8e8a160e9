-- What the words of the library share: checking arguments at load, options that travel from a
-- combinator to the targets below it, and which errors are worth another try.
local host = require "headgate.host"

local core = {}

local fail = host.fail
core.fail = function(fmt, ...)
  return fail(fmt:format(...))
end

-- Handlers made by the library take options as a second argument: { timeout, first_token } in
-- seconds. A route's own functions do not; they are in none of these sets.
local takes_options = setmetatable({}, { __mode = "k" })
local plain_target = setmetatable({}, { __mode = "k" })

function core.made(handler)
  takes_options[handler] = true
  return handler
end

function core.made_target(handler, call)
  plain_target[handler] = call
  return core.made(handler)
end

-- The function (req, options) of a handler that is nothing but a call; nil for others.
function core.target_call(handler)
  return plain_target[handler]
end

-- Runs a handler as a task that may take so long. Its result, or an error of kind timeout.
function core.within(handler, req, seconds, options)
  local tasks = { host.spawn(handler, req, options) }
  if not host.wait(tasks, seconds) then
    host.cancel(tasks[1])
    return nil, host.error("timeout", 504, ("no answer within %g seconds"):format(seconds))
  end
  return host.result(tasks[1])
end

-- A function (req, options) for any handler. `place` is for the message: "s.retry".
function core.handler(handler, place)
  if type(handler) ~= "function" then
    core.fail("%s: a handler is needed, such as s.target \"openai/gpt-4o\", not %s", place,
      handler == nil and "nothing" or "a " .. type(handler))
  end
  if takes_options[handler] then return handler end
  return function(req, options)
    if not options then return handler(req) end
    return core.within(handler, req, options.timeout or options.first_token)
  end
end

-- The handlers in the list part of a table; at least one.
function core.handlers(list, place)
  local handlers = {}
  for i = 1, #list do handlers[i] = core.handler(list[i], ("%s: #%d"):format(place, i)) end
  if #handlers == 0 then core.fail("%s: at least one handler is needed", place) end
  return handlers
end

-- Options inside and outside of a handler become one table: the stricter of both. Both are made at
-- load, so each pair is merged once and found again after that.
function core.merger(own)
  local merged = setmetatable({}, { __mode = "k" })
  return function(outer)
    if not outer then return own end
    local both = merged[outer]
    if both then return both end
    both = {}
    for _, k in ipairs { "timeout", "first_token" } do
      local a, b = own[k], outer[k]
      both[k] = a and b and math.min(a, b) or a or b
    end
    merged[outer] = both
    return both
  end
end

-- Is `value` a table with no other keys than those named? The list part is free.
function core.options(value, place, names)
  if type(value) ~= "table" then
    core.fail("%s: a table is needed, not %s", place, value == nil and "nothing" or "a " .. type(value))
  end
  local known = core.set(names)
  for k in pairs(value) do
    if type(k) ~= "number" and not known[k] then
      local near = type(k) == "string" and host.suggest(k, names)
      core.fail("%s: unknown key '%s'%s", place, tostring(k),
        near and ("; did you mean '%s'?"):format(near)
          or "; it takes " .. (#names > 0 and table.concat(names, ", ") or "none"))
    end
  end
  return value
end

function core.set(list)
  local set = {}
  for i = 1, #list do set[list[i]] = true end
  return set
end

function core.seconds(value, place, default)
  if value == nil and default ~= nil then return default end
  local seconds = host.duration(value)
  if not seconds then
    core.fail("%s: a time is needed, such as \"250ms\" or \"8s\", not %s", place,
      type(value) == "string" and '"' .. value .. '"' or tostring(value))
  end
  return seconds
end

function core.number(value, place, low, high, default)
  if value == nil and default ~= nil then return default end
  if type(value) ~= "number" or value < low or value > high then
    core.fail("%s: a number from %g to %g is needed, not %s", place, low, high, tostring(value))
  end
  return value
end

function core.choice(value, place, names, default)
  if value == nil and default ~= nil then return default end
  for _, name in ipairs(names) do
    if value == name then return value end
  end
  local near = type(value) == "string" and host.suggest(value, names)
  return core.fail("%s: '%s' is not known%s", place, tostring(value),
    near and ("; did you mean '%s'?"):format(near) or "; it is one of " .. table.concat(names, ", "))
end

function core.text(value, place)
  if type(value) ~= "string" or value == "" then
    core.fail("%s: a name is needed, not %s", place, value == nil and "nothing" or tostring(value))
  end
  return value
end

function core.optional_function(value, place)
  if value ~= nil and type(value) ~= "function" then
    core.fail("%s: a function is needed, not a %s", place, type(value))
  end
  return value
end

-- Asks the host at load; what it complains about is the route's mistake.
function core.ask(f, ...)
  local ok, value = pcall(f, ...)
  if not ok then fail(tostring(value)) end
  return value
end

core.kinds = {
  "timeout", "rate_limited", "upstream_5xx", "upstream_4xx", "connect", "protocol", "denied",
  "budget", "bad_request", "auth", "cancelled", "internal",
}

-- Where another attempt can do better. Never after a refusal of our own.
local worth_it = { "timeout", "rate_limited", "upstream_5xx", "connect", "protocol" }

-- A function err -> boolean from `on`: kinds, status codes, or "any_error". An error is final if the
-- request's body was streamed and is gone: nobody else can be asked.
function core.on(list, place)
  if list == "any_error" then
    return function(err) return err ~= nil and err.kind ~= "cancelled" and not err.final end
  end
  if list == nil then list = worth_it end
  if type(list) ~= "table" then list = { list } end
  local set = {}
  for _, what in ipairs(list) do
    if math.type(what) == "integer" and what >= 400 and what <= 599 then
      set[what] = true
    else
      set[core.choice(what, place, core.kinds)] = true
    end
  end
  return function(err)
    return err ~= nil and not err.final and (set[err.kind] or set[err.status]) == true
  end
end

-- Names for what is counted over all workers. They load the same files in the same order, so a
-- number by order is the same name in each.
local counts = {}
function core.id(word)
  counts[word] = (counts[word] or 0) + 1
  return ("%s/%d"):format(word, counts[word])
end

-- The library's own values shared by all workers; asked for on first use.
local map
function core.shared()
  map = map or host.shared "headgate"
  return map
end

return core
