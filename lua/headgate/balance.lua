-- s.balance { { h1, weight = 70 }, { h2, weight = 30 }, policy =, sticky =, eject = {...} }
local host = require "headgate.host"
local core = require "headgate.core"

local random, bucket = host.random, host.bucket

-- Which of them a number in [0,1) means, by weight.
local function by_weight(sums, x)
  x = x * sums[#sums]
  for i = 1, #sums do
    if x < sums[i] then return i end
  end
  return #sums
end

-- Eject: who fails too often rests. Counted over all workers, in s.shared.
local function ejector(o, count)
  core.options(o, "s.balance: eject", { "errors", "within", "rest", "on" })
  local errors = core.number(o.errors, "s.balance: eject.errors", 1, 1e6, 5)
  local within = core.seconds(o.within, "s.balance: eject.within", 30)
  local rest = core.seconds(o.rest, "s.balance: eject.rest", 20)
  local on = core.on(o.on, "s.balance: eject.on")
  local id, failed, resting = core.id "eject", {}, {}
  for i = 1, count do
    failed[i], resting[i] = ("%s:%d:failed"):format(id, i), ("%s:%d:rests"):format(id, i)
  end

  local function is_out(i)
    return core.shared():get(resting[i]) ~= nil
  end
  local function note(i, err)
    if err.spent or on(err) and core.shared():incr(failed[i], 1, within) >= errors then
      core.shared():set(resting[i], "1", rest)
    end
  end
  return is_out, note
end

-- Calls in flight, of this worker. Counted down by whatever ends first: an error or a cancel closes
-- the variable, a response is in flight until the request is over.
local function counter(count)
  local busy, open, ended = {}, {}, {}
  for i = 1, count do
    local function down() busy[i] = busy[i] - 1 end
    busy[i] = 0
    open[i] = setmetatable({}, { __close = down })
    ended[i] = down
  end
  local function call(i, handler, req, options)
    busy[i] = busy[i] + 1
    local _ <close> = open[i]
    local resp, err = handler(req, options)
    if resp then
      busy[i] = busy[i] + 1
      req:finally(ended[i])
    end
    return resp, err
  end
  return busy, call
end

local function least_busy(busy, weights, is_out)
  local best, best_load
  local count = #weights
  local start = math.floor(random() * count)
  for k = 1, count do
    local i = (start + k - 1) % count + 1
    local load = (busy[i] + 1) / weights[i]
    if not is_out(i) and (not best or load < best_load) then best, best_load = i, load end
  end
  return best
end

local function none_is_out() return false end

local function picker(policy, weights, sums, busy, sticky, id)
  local count = #weights
  local salt = id .. ":sticky"

  -- From the one that was drawn on to the next that is not resting; if all rest, the one drawn.
  local function from(i, is_out)
    for k = 0, count - 1 do
      local j = (i + k - 1) % count + 1
      if not is_out(j) then return j end
    end
    return i
  end
  local function draw(is_out) return from(by_weight(sums, random()), is_out) end

  return function(req, is_out)
    local key = sticky and sticky(req)
    if key ~= nil and key ~= false then
      return from(by_weight(sums, bucket(salt, tostring(key))), is_out)
    end
    if policy == "weighted" then return draw(is_out) end
    if policy == "least_busy" then
      return least_busy(busy, weights, is_out) or least_busy(busy, weights, none_is_out)
    end
    local a, b = draw(is_out), draw(is_out)
    return (busy[b] + 1) / weights[b] < (busy[a] + 1) / weights[a] and b or a
  end
end

local function members(o)
  local handlers, weights, sums, sum = {}, {}, {}, 0
  for i, member in ipairs(o) do
    local place = ("s.balance: #%d"):format(i)
    local weight = 1
    if type(member) == "table" then
      core.options(member, place, { "weight" })
      weight = core.number(member.weight, place .. ": weight", 0, 1e9, 1)
      member = member[1]
    end
    local handler = core.handler(member, place)
    if weight > 0 then -- a weight of 0 takes one out without deleting its line
      local n = #handlers + 1
      sum = sum + weight
      handlers[n], weights[n], sums[n] = handler, weight, sum
    end
  end
  if #handlers == 0 then core.fail "s.balance: at least one handler with a weight above 0 is needed" end
  return handlers, weights, sums
end

return function(o)
  core.options(o, "s.balance", { "policy", "sticky", "eject" })
  local handlers, weights, sums = members(o)
  local policy =
    core.choice(o.policy, "s.balance: policy", { "weighted", "least_busy", "p2c" }, "weighted")
  local sticky = core.optional_function(o.sticky, "s.balance: sticky")
  local is_out, note = none_is_out, nil
  if o.eject then is_out, note = ejector(o.eject, #handlers) end
  local busy, counted = counter(#handlers)
  local pick = picker(policy, weights, sums, busy, sticky, core.id "balance")
  local counts = policy ~= "weighted"

  return core.made(function(req, options)
    local i = pick(req, is_out)
    local resp, err
    if counts then
      resp, err = counted(i, handlers[i], req, options)
    else
      resp, err = handlers[i](req, options)
    end
    if note and not resp then note(i, err) end
    return resp, err
  end)
end
