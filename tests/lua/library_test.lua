-- What the examples do not show of the library's words.
local t = require "headgate.test"
local s = require "headgate"

local a, b, c = s.target "x/a", s.target "x/b", s.target "x/c"

local function all_say()
  t.target "x/a":says "a"
  t.target "x/b":says "b"
  t.target "x/c":says "c"
end

-- ---- timeout ------------------------------------------

t.it("timeout: a target gets the stricter of two limits", function()
  t.target "x/a":says("late", { after = 10 })
  local r = t.try(s.timeout(s.timeout(a, "3s"), "5s"))
  t.eq(r.error.kind, "timeout")
  t.near(r.at, 3)
  r = t.try(s.timeout(s.timeout(a, "5s"), "2s"))
  t.near(r.at, 2)
  t.eq(r.cancelled, { "x/a" })
end)

t.it("timeout: holds for a whole combination and ends what runs in it", function()
  t.target "x/a":fails("timeout", { after = 3 })
  t.target "x/b":says("late", { after = 10 })
  local r = t.try(s.timeout(s.fallback { a, b }, "5s"))
  t.eq(r.status, 504)
  t.near(r.at, 5)
  t.eq(r.cancelled, { "x/b" })
end)

t.it("timeout: holds for a function", function()
  local r = t.try(s.timeout(function() s.sleep "1h" end, "1s"))
  t.eq(r.error.kind, "timeout")
  t.near(r.at, 1)
end)

t.it("fallback: first_token reaches targets through functions and other words", function()
  t.target "x/a":says("late", { after = 30 })
  t.target "x/b":says "b"
  local r = t.try(s.fallback { function(req) return a(req) end, b, first_token = "2s" })
  t.eq(r.text, "b")
  t.near(r.at, 2)
  r = t.try(s.fallback { s.retry(s.balance { a }, { attempts = 1 }), b, first_token = "3s" })
  t.eq(r.text, "b")
  t.near(r.at, 3)
end)

t.it("fallback: on takes kinds, status codes and any_error", function()
  t.target "x/a":fails(418)
  t.target "x/b":says "b"
  t.eq(t.try(s.fallback { a, b }).status, 418)
  t.eq(t.try(s.fallback { a, b, on = { 418 } }).text, "b")
  t.eq(t.try(s.fallback { a, b, on = "any_error" }).text, "b")
  t.eq(t.try(s.fallback { a, b, on = { "upstream_4xx" } }).text, "b")
end)

-- ---- retry ------------------------------------------

t.it("retry: pauses grow and stay within their limits", function()
  t.target "x/a":fails(503)
  t.random(0, 0, 0, 0)
  t.near(t.try(s.retry(a, { attempts = 5, backoff = { "1s", "3s" } })).at, 0.5 + 1 + 1.5 + 1.5)
end)

t.it("retry: does not wait for what comes after the deadline", function()
  t.target "x/a":fails(429, { retry_after = 30 }):says "never"
  local r = t.try(s.retry(a, { longest_wait = "10s" }))
  t.eq(r.status, 429)
  t.near(r.at, 0)
end)

t.it("retry: does not repeat a refusal", function()
  t.target "x/a":fails(400)
  t.eq(#t.try(s.retry(a, { attempts = 5 })).calls, 1)
  t.eq(#t.try(s.retry(function() return s.deny(403, "no") end, { attempts = 5 })).calls, 0)
end)

-- ---- switch ------------------------------------------

t.it("switch: takes the first condition that fits", function()
  all_say()
  local h = s.switch {
    { a, when = { metadata = { tier = { "gold", "silver" } }, stream = false } },
    { b, when = function(req) return req.model == "big" end },
    { c, when = { headers = { ["x-test"] = "1" } } },
  }
  t.eq(t.try(h, t.ask "hi", { metadata = { tier = "silver" } }).text, "a")
  t.eq(t.try(h, { model = "big" }).text, "b")
  t.eq(t.try(h, t.ask "hi", { headers = { ["X-Test"] = "1" } }).text, "c")
  local r = t.try(h)
  t.eq(r.status, 400)
  t.eq(r.calls, {})
  t.eq(t.try(s.switch { { a, when = { model = "x" } }, default = b }).text, "b")
end)

-- ---- balance ------------------------------------------

t.it("balance: a weight of 0 gets nothing", function()
  all_say()
  for _ = 1, 50 do t.eq(t.try(s.balance { { a, weight = 0 }, b }).text, "b") end
end)

for _, policy in ipairs { "least_busy", "p2c" } do
  t.it(("balance: %s spreads what runs at the same time"):format(policy), function()
    t.target "x/a":says("a", { after = 5 })
    t.target "x/b":says("b", { after = 5 })
    t.target "x/c":says("c", { after = 5 })
    local h = s.balance { a, b, c, policy = policy }
    local r = t.try(function(req)
      local list = {}
      for i = 1, 30 do list[i] = h end
      local resps = s.all(req, list)
      return resps[1]
    end)
    local count = {}
    for _, name in ipairs(r.calls) do count[name] = (count[name] or 0) + 1 end
    for _, name in ipairs { "x/a", "x/b", "x/c" } do t.near(count[name], 10, policy == "p2c" and 6 or 0) end
  end)
end

t.it("balance: what was cancelled is not busy for ever", function()
  t.target "x/a":says("a", { after = 50 })
  t.target "x/b":says "b"
  local h = s.balance { a, { b, weight = 0.0001 }, policy = "least_busy" }
  for _ = 1, 20 do t.eq(t.try(s.timeout(h, "1s")).error.kind, "timeout") end
end)

-- ---- race, all, tasks ------------------------------------------

t.it("race: the first response wins, errors do not", function()
  t.target "x/a":fails(500)
  t.target "x/b":says("b", { after = 2 })
  t.target "x/c":says("c", { after = 1 })
  local r = t.try(function(req) return s.race(req, { a, b, c }) end)
  t.eq(r.text, "c")
  t.eq(r.cancelled, { "x/b" })
  t.near(r.at, 1)
  t.target "x/d":fails(501)
  t.eq(t.try(function(req) return s.race(req, { a, s.target "x/d" }) end).status, 501)
end)

t.it("all: waits for all and keeps the places", function()
  t.target "x/a":says("a", { after = 3 })
  t.target "x/b":fails(500)
  local r = t.try(function(req)
    local resps, errs = s.all(req, { a, b })
    t.eq(resps[1]:text(), "a")
    t.eq(resps[2], false)
    t.eq(errs[1], false)
    t.eq(errs[2].status, 500)
    return resps[1]
  end)
  t.eq(r.text, "a")
  t.near(r.at, 3)
end)

t.it("tasks: spawn, wait, cancel, defer", function()
  local order = {}
  local r = t.try(function()
    local _ <close> = s.defer(function() order[#order + 1] = "deferred" end)
    local task = s.spawn(function(x) s.sleep "2s" return x + 1 end, 41)
    local none, err = s.wait(task, "1s")
    t.eq(none, nil)
    t.eq(err.kind, "timeout")
    order[1] = s.wait(task)
    local lost = s.spawn(function() s.sleep "1s" order[#order + 1] = "lost" end)
    s.cancel(lost)
    s.sleep "2s"
    return s.deny(418, "done")
  end)
  t.eq(r.status, 418)
  t.eq(order, { 42, "deferred" })
  t.near(r.at, 4)
end)

t.it("tasks: a detached one outlives the request", function()
  local done = false
  t.try(function()
    s.spawn { function() s.sleep "10s" done = true end, detached = true }
    return s.deny(400, "x")
  end)
  t.eq(done, false)
  t.sleep "11s"
  t.eq(done, true)
end)

-- ---- hedge ------------------------------------------

t.it("hedge: three of them, one after the other", function()
  t.target "x/a":says("a", { after = 10 })
  t.target "x/b":says("b", { after = 10 })
  t.target "x/c":says("c", { after = 1 })
  local r = t.try(s.hedge { a, b, c, after = "1s" })
  t.eq(r.text, "c")
  t.near(r.at, 3)
  t.eq(#r.cancelled, 2)
end)

t.it("hedge: a refusal ends it", function()
  t.target "x/a":fails(400)
  t.eq(t.try(s.hedge { a, b, after = "1s" }).calls, { "x/a" })
end)

-- ---- shared, http, values ------------------------------------------

t.it("shared: values, counters, buckets", function()
  local m = s.shared "m"
  m:set("k", "v", "1m")
  t.eq(m:get "k", "v")
  t.eq(m:incr("n", 2, "10s"), 2)
  t.eq(m:incr "n", 3)
  t.eq(m:cas("k", "other", "w"), false)
  t.eq(m:cas("k", "v", "w"), true)
  t.eq(m:get "k", "w")
  t.sleep "2m"
  t.eq(m:get "k", "w") -- cas without a time keeps it
  t.eq(m:get "n", nil)
  local o = { rate = "60/m", burst = 2 }
  t.eq({ m:take("b", o) }, { true, 0 })
  t.eq({ m:take("b", o) }, { true, 0 })
  t.eq({ m:take("b", o) }, { false, 1 })
  t.raises(function() m:take("b", { rate = "fast" }) end, "a rate is needed")
  t.raises(function() m:set("k", "v", "soon") end, "a time is needed")
end)

t.it("values: times, sizes, sets, JSON", function()
  t.eq(s.duration "250ms", 0.25)
  t.eq(s.size "64KB", 65536)
  t.eq(s.set { "a" }, { a = true })
  t.eq(s.json.decode '{"a":[1,2.5,"x",true],"b":null}', { a = { 1, 2.5, "x", true } })
  t.eq(s.json.encode { b = { 1, 2 }, a = "x" }, '{"a":"x","b":[1,2]}')
  t.raises(function() s.size "big" end, "a size is needed")
  t.ok(s.now() > 1.7e9)
  local x = s.bucket("salt", "key")
  t.ok(x >= 0 and x < 1 and x == s.bucket("salt", "key") and x ~= s.bucket("pepper", "key"))
end)

t.it("deny: kinds by status", function()
  local kinds = { [400] = "bad_request", [401] = "auth", [402] = "budget", [403] = "denied" }
  kinds[429], kinds[451] = "rate_limited", "denied"
  for status, kind in pairs(kinds) do
    local _, err = s.deny(status, "no")
    t.eq({ err.kind, err.status, err.message }, { kind, status, "no" })
  end
  t.raises(function() s.deny(200) end, "a status from 400 to 599")
end)

-- ---- mistakes at load ------------------------------------------

local function mistake(f, text)
  local ok, err = pcall(f)
  t.eq(ok, false)
  t.has(err, text)
  t.has(err, "library_test.lua:") -- the line of the route, not of the library
end

t.it("mistakes name the place, the mistake and what to do", function()
  mistake(function() return s.fallbck { a } end, "headgate has no 'fallbck'; did you mean 'fallback'?")
  mistake(function() return s.by.keys end, "did you mean 'key'?")
  mistake(function() s.fallback {} end, "s.fallback: at least one handler is needed")
  mistake(function() s.fallback { "x/a" } end, "s.fallback: #1: a handler is needed")
  mistake(function() s.fallback { a, first_tokn = "8s" } end, "did you mean 'first_token'?")
  mistake(function() s.fallback { a, on = { "timout" } } end, "did you mean 'timeout'?")
  mistake(function() s.fallback { a, first_token = "soon" } end, "a time is needed")
  mistake(function() s.retry(a, { attempts = 0 }) end, "s.retry: attempts: a number from 1 to 20")
  mistake(function() s.retry() end, "s.retry: a handler is needed, such as")
  mistake(function() s.balance { { a, wieght = 1 } } end, "did you mean 'weight'?")
  mistake(function() s.balance { a, policy = "least_bussy" } end, "did you mean 'least_busy'?")
  mistake(function() s.balance { { a, weight = 0 } } end, "a weight above 0")
  mistake(function() s.switch { { a, when = {} } } end, "an empty condition")
  mistake(function() s.switch { { a, when = { modle = "x" } } } end, "did you mean 'model'?")
  mistake(function() s.guard(a, {}) end, "give it input or output guards")
  mistake(function() s.guard(a, { input = {} }) end, "a list of guards is needed")
  mistake(function() s.cached(a, {}) end, "s.cached: store: a name is needed")
  mistake(function() s.hedge { a, after = "1s" } end, "at least two handlers")
  mistake(function() s.hedge { a, b } end, "s.hedge: after: a time is needed")
  mistake(function() s.canary { stable = a, candidate = b } end, "s.canary: percent: a number")
  mistake(function() s.shadow(a, { to = 1 }) end, "s.shadow: to: a handler is needed")
  mistake(function() s.timeout(a) end, "s.timeout: a time is needed")
  mistake(function() s.target "no spaces please" end, "is no target")
  mistake(function() s.target() end, "s.target: a name is needed")
  mistake(function() s.route { handler = a, pth = "/" } end, "did you mean 'path'?")
  mistake(function() s.route { path = "/" } end, "s.route: handler: a handler is needed")
  mistake(function() s.route { handler = a, path = "v1" } end, "s.route: path: 'v1' is not possible")
  mistake(function() s.route { handler = a, match = "x" } end, "s.route: match: a function is needed")
  mistake(function() s.route { a } end, "write handler = in front")
  mistake(function() s.defer(1) end, "s.defer: a function is needed")
  mistake(function() s.fallback = nil end, "read-only")
end)

t.it("a route has what the gateway reads", function()
  local r = s.route { path = "/v1/x", method = { "GET", "POST" }, deadline = "5s", handler = a }
  t.eq(r.path, { "/v1/x" })
  t.eq(r.method, { "GET", "POST" })
  t.eq(r.deadline, 5)
  t.eq(r.handler, a)
end)

-- ---- the runner itself ------------------------------------------

t.it("a call nobody declared fails the test and says what to add", function()
  t.raises(function() t.try(a) end, 't.target "x/a":says "..."')
end)

t.it("an error in a handler is a 500", function()
  local r = t.try(function() local x = nil; return x.y end)
  t.eq(r.status, 500)
  t.has(r.text, "attempt to index a nil value")
end)

t.it("eq shows the first difference", function()
  t.raises(function() t.eq({ a = { 1, 2 } }, { a = { 1, 3 } }) end, 'at ["a"][2]: want 3, got 2')
  t.raises(function() t.eq("abcd", "abXd") end, "they differ at byte 3")
  t.eq({ 1, { x = 0 / 0 } }, { 1, { x = 0 / 0 } })
end)

-- ---- texts of an answer ---------------------------------

t.it("map: changes texts in the order of the route, and keeps what it gets nil for", function()
  t.target "x/a":says("one two", { stream = { "one ", "two" } })
  t.eq(t.try(function(req)
    local resp = a(req)
    resp:map(function(text) return text ~= "two" and text:upper() or nil end)
    return resp:map(function(text) return (text:gsub("o", "0")) end)
  end).text, "ONE tw0")
end)

t.it("each: sees the texts of a stream and leaves the answer as it is", function()
  t.target "x/a":says("one two", { stream = { "one ", "two" } })
  local seen = {}
  t.eq(t.try(function(req)
    return a(req):each(function(text) seen[#seen + 1] = text end)
  end).text, "one two")
  t.eq(seen, { "one ", "two" })
end)
