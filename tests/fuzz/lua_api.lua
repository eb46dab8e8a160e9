-- The route of fuzz_lua_api.c: what the field x-calls holds is read as calls. Two letters from a to
-- p are a byte; a byte chooses a function, the next ones its arguments from a pool of odd values,
-- and what comes back goes into the pool.
local s = require "headgate"

local CALLS_MOST <const> = 48

local deep, wide, round = {}, { 1 }, {}
for _ = 1, 100 do deep = { deep } end
for _ = 1, 40 do wide = { wide, wide } end
round.round = round

local odd = setmetatable({ 1, 2 }, {
  __index = function() error { kind = "denied", status = 1e300 } end,
  __tostring = function() error "no text" end,
  __len = function() return 1 << 40 end,
})

local values = {
  true, false, 0, -1, 1, 2, 64, 1 << 31, 1 << 53, math.mininteger, math.maxinteger, 0.001, 1e18, 1e300,
  0 / 0, 1 / 0, -1 / 0, "", "a", "0", "\0", "a\0b", "\xff\xfe", "e\r\nx: y", ("x"):rep(300),
  ("y"):rep(70000),
  "X-Odd", "content-length", "x-headgate-request-id", "250ms", "10/m", "/messages/0/content", "/a~1/~2//",
  "model", "stream", "[1,{\"a\":null}]", "{\"a\":\"\\ud800\"}", "[[", "error", "warn",
  deep, wide, round, odd, {}, { 1, nil, 3 }, { [1.5] = 1 }, { a = 1, b = { "c" } },
  { model = "sim:status=429" },
  { messages = {}, stream = true },
  { headers = { host = "a", ["b c"] = "d", e = "f\n" }, form = { a = 1 } },
  { json = { 1, "a" }, timeout = 0.01 }, { json = round }, { body = ("z"):rep(5000), timeout = "1ms" },
  { timeout = 0.005 }, { rate = "1/s", burst = 0 / 0, n = -1 }, { rate = 1e300 },
  { timeout = -1, first_token = 1e300 },
  { kind = "upstream_5xx", status = 0 / 0, retry_after = 1 / 0,
    attempt = 1 << 32 | 1, message = "a\nb", code = 5 },
  { kind = "rate_limited", retry_after = -1e300, status = 99999999999, target = "\xff" },
  { 1, 2, code = "c", status = 200, message = "m" }, { weights = 1 }, { sticky = function() return 1 end },
  print, error, function() end, function() error() end, function(...) return ... end,
}

local keys = {
  "model", "stream", "messages", "headers", "metadata", "key", "path", "method", "kind", "id", "attempt",
  "deadline", "with", "text", "get", "tag", "finally", "header", "status", "usage", "target", "provider",
  "json", "post", "budget", "left", "set", "incr", "cas", "take", "map", "upstream", "cached_tokens",
  "authorization",
  "temperature", "x_calls", "message", "code", "retry_after", "upstream_5xx",
}

-- How the upstream answers.
local target = {}
for i, how in ipairs {
  "", "status=500", "status=429,retry-after=2", "events=9", "error-in-200", "error-event-at=2",
  "no-done,usage=every",
  "close-after-bytes=200", "reset-after-events=1", "garbage=json", "garbage=sse", "garbage=chunk",
  "text=%22%5c%00",
  "stall-after-events=2", "content-length=-3", "body={}", "content-type=text/plain", "split=random:7",
} do
  target[i] = s.target("p/" .. (how == "" and "m" or "sim:" .. how))
end

local things = {
  s.http "side", s.shared "fuzz", s.guard(target[1], { input = "mask" }),
  s.guard(target[4], { output = "mask" }),
  s.guard(target[4], { output = "mask", stream = "watch" }), s.cached(target[1], { store = "kept" }),
  s.cached(target[4], { store = "kept", ttl = 0.001 }),
  s.retry(target[2], { attempts = 2, backoff = 0.001 }),
  s.fallback { target[2], target[6], target[4] }, s.hedge { target[4], target[2], after = 0.001 },
  s.shadow(target[1], { to = target[4] }), s.timeout(target[14], 0.004),
  s.balance { { target[1], weight = 1 }, { target[2], weight = 2 } },
}

-- What can be called, by a byte.
local function functions_of(state)
  local list = {
    function(o, k, ...) return o[keys[k]](o, ...) end,
    function(o, k) return o[keys[k]] end,
    function(o, k, v) o[keys[k]] = v end,
    function(o, k) return o[k] end,
    function(o, k, v) o[k] = v end,
    function(f, ...) return f(...) end,
    function(k, v, k2, v2) return { [keys[k]] = v, [keys[k2]] = v2 } end,
    function(...) return { ... } end,
    function(f, n) return s.spawn(f, n) end,
    function() return function() state.play(4) return state.pick() end end,
    function(v) return tostring(v) end,
    function(v) return s.json.encode(v) end,
    function(v) return s.json.decode(v) end,
    function(...) return s.race { ... } end,
    function(...) return s.all { ... } end,
    function(t) return s.wait(t) end,
    function(t, n) return s.wait({ t }, n) end,
    function() return state.req:with { model = "sim:tokens=3", stream = true } end,
    function(k, v) state.req.metadata[k] = v return state.req.metadata[k] end,
    function(f) return state.req:finally(f) end,
    function() return s.sleep(0.001) end,
  }
  for _, name in ipairs {
    "sleep", "cancel", "defer", "deny", "bucket", "duration", "size", "random", "now", "set", "all",
    "race", "target",
    "fallback", "retry", "switch", "canary",
  } do
    list[#list + 1] = s[name]
  end
  for level in pairs { info = 1, warn = 1 } do list[#list + 1] = s.log[level] end
  for _, one in ipairs(target) do list[#list + 1] = function(r) return one(r or state.req) end end
  for _, one in ipairs(things) do
    if type(one) == "function" then list[#list + 1] = function(r) return one(r or state.req) end end
  end
  return list
end

local function play(req)
  local input, at, calls = req.headers["x-calls"] or "", 0, 0
  local pool, count = { req, req.headers, req.metadata, req.key }, 4
  local state = { req = req }
  local functions

  local function add(value)
    if count < 4000 then
      count = count + 1
      pool[count] = value
    end
  end

  local function byte()
    local high, low = input:byte(at + 1, at + 2)
    at = at + 2
    return high and low and (high - 97 & 15) << 4 | (low - 97 & 15) or 0
  end

  function state.pick()
    local b = byte()
    if b >= 224 then return pool[count - b % 32] end
    if b >= 208 then return b - 207 end
    return pool[b % count + 1]
  end

  function state.play(most)
    while at < #input and calls < CALLS_MOST and most > 0 do
      calls, most = calls + 1, most - 1
      local f = functions[byte() % #functions + 1]
      local given = byte()
      local a, b, c, d
      if given & 3 > 0 then a = state.pick() end
      if given & 3 > 1 then b = state.pick() end
      if given & 3 > 2 then c = state.pick() end
      if given & 12 == 12 then d = state.pick() end
      local ok, one, two = pcall(f, a, b, c, d)
      if one ~= nil then add(one) end
      if ok and two ~= nil then add(two) end
    end
  end

  for i = 1, #values do add(values[i]) end
  for i = 1, #things do add(things[i]) end
  functions = functions_of(state)
  state.play(CALLS_MOST)
  return state.pick(), state.pick()
end

return {
  s.route {
    path = "/match", handler = target[1], deadline = 1,
    match = function(req) return play(req) end,
    auth = function(req) return play(req) end,
  },
  s.route {
    path = "/rescue", handler = function(req) play(req) error "on purpose" end,
    on_error = function(req) return play(req) end,
  },
  s.route { handler = play, deadline = "30s" },
}
