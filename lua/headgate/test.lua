-- require "headgate.test": what a *_test.lua file is written with; run by `headgate test`.
--
--   t.route "routes/02_fallback.lua"      the file under test; without it, the one of the same name
--   t.it("does what it should", function() ... end)
--   t.target "openai/gpt-4o":says "hello"
--   local r = t.post { messages = {...} }
--   t.eq(r.text, "hello")
local host = require "headgate.host"
local core = require "headgate.core"
local fake = require "headgate.test_host"

local t = {}

-- Read by the command: see core/cli/test_load.c.
local plan = { tests = {}, routes = {}, loaded = {} }

function t.plan()
  return plan
end

function t.route(path)
  core.text(path, "t.route")
  plan.routes[#plan.routes + 1] = path
end

function t.it(name, f)
  core.text(name, "t.it")
  if type(f) ~= "function" then core.fail "t.it: a function is needed" end
  plan.tests[#plan.tests + 1] = { name = name, run = f }
end

-- ---- what the world answers ------------------------------------------------------------------------

local function step_of(o, fields)
  local step = {}
  for k, v in pairs(o or {}) do step[k] = v end
  if step.after then step.after = core.seconds(step.after, "after") end
  for k, v in pairs(fields) do step[k] = v end
  return step
end

local function scripts(map, methods)
  methods.__index = methods
  return function(name)
    core.text(name, "a name")
    map[name] = map[name] or setmetatable({ steps = {}, requests = {} }, methods)
    return map[name]
  end
end

-- Several in a row are answers in turn; the last one is repeated.
local function add(script, step)
  script.steps[#script.steps + 1] = step
  return script
end

local Target = {}
t.target = scripts(fake.targets, Target)

-- says("text", { after = "2s", stream = {"te", "xt"}, status =, usage =, headers = })
function Target:says(text, o)
  if o then core.options(o, "says", { "after", "stream", "status", "error", "usage", "headers" }) end
  if o and o.error then
    return add(self, step_of(o, { fails = o.error, message = text }))
  end
  local step = step_of(o, { says = text })
  if type(step.stream) ~= "table" then step.stream = nil end
  return add(self, step)
end

-- fails(500), fails("timeout", { retry_after = 2, after =, message = })
function Target:fails(what, o)
  if o then core.options(o, "fails", { "after", "retry_after", "message" }) end
  if type(what) ~= "number" then core.choice(what, "fails", core.kinds) end
  return add(self, step_of(o, { fails = what }))
end

-- answers(function(req) return "text" end)
function Target:answers(f, o)
  return add(self, step_of(o, { answers = f }))
end

local Guard = {}
t.guard = scripts(fake.guards, Guard)

-- denies(), denies("only texts with this", { message = })
function Guard:denies(only, o)
  return add(self, step_of(o, { denies = true, only = only }))
end

-- redacts("%d+", "***")
function Guard:redacts(pattern, with)
  return add(self, { redacts = pattern, with = with or "***" })
end

function Guard:passes(o)
  return add(self, step_of(o, { passes = true }))
end

function Guard:fails(o)
  return add(self, step_of(o, { fails = true }))
end

-- Caches work by themselves; this is for those that do not.
function t.cache(name)
  core.text(name, "t.cache")
  local entries = fake.caches[name] or { kept = {} }
  fake.caches[name] = entries
  return {
    fails = function() entries.fails = true end,
    takes = function(_, time) entries.after = core.seconds(time, "takes") end,
  }
end

local Upstream = {}
t.http = scripts(fake.upstreams, Upstream)

-- replies(200, { active = true }, { after =, headers = })
function Upstream:replies(status, body, o)
  return add(self, step_of(o, { status = status, body = body }))
end

function Upstream:fails(what, o)
  return add(self, step_of(o, { fails = what }))
end

-- The names of the provider instances, for the default route. Before t.route.
function t.providers(list)
  fake.providers = list
end

-- The next numbers that chance gives.
function t.random(...)
  for _, x in ipairs { ... } do fake.draws[#fake.draws + 1] = x end
end

function t.shared(name)
  return host.shared(name)
end

-- ---- time ------------------------------------------------------------------------------------------

function t.sleep(time)
  host.sleep(core.seconds(time, "t.sleep"))
end

t.now = host.now

function t.logs()
  return fake.logs
end

-- ---- requests --------------------------------------------------------------------------------------

local function fits(list, value)
  if not list then return true end
  for _, want in ipairs(list) do
    local prefix = want:match "^(.*/)%.%.%.$" or want:match "^(.*)%*$"
    if want == value or (prefix and value and value:sub(1, #prefix) == prefix) then return true end
  end
  return false
end

local function find_route(req)
  for _, route in ipairs(plan.loaded) do
    if fits(route.path, req.path) and fits(route.method, req.method) and fits(route.host, req.host)
      and (not route.match or route.match(req)) then
      return route
    end
  end
end

local function run_route(req)
  local route = find_route(req)
  if not route then return nil, host.error("bad_request", 404, "no route is for this request") end
  fake.set_deadline(req, route.deadline)
  if route.auth then
    local ok, err = route.auth(req)
    if not ok then return nil, err end
  end
  return route.handler(req)
end

-- on_error is for a handler with a bug: it answers in its place.
local function answer_of(req)
  local ok, resp, err = pcall(run_route, req)
  if not ok then
    local route = find_route(req)
    local bug = tostring(resp)
    fake.logs[#fake.logs + 1] = "error: " .. bug
    resp, err = nil, host.error("internal", 500, bug)
    if route and route.on_error then resp, err = route.on_error(req) end
  end
  if resp then return resp end
  return nil, err or host.error("internal", 500, "the route gave neither an answer nor an error")
end

local function since(list, start)
  return table.move(list, start + 1, #list, 1, {})
end

local function run(req)
  local calls, sent, cancelled, start = #fake.calls, #fake.sent, #fake.cancelled, host.clock()
  local task = host.spawn(answer_of, req)
  host.wait { task }
  local ok, resp, err = pcall(host.result, task)
  if not ok then resp, err = nil, host.error("internal", 500, tostring(resp)) end

  local r = { at = host.clock() - start, tags = req.tags, headers = {}, error = err }
  if resp then
    r.status, r.text, r.headers = resp.status, resp:text(), resp.headers
    r.provider, r.model, r.usage, r.chunks = resp.provider, resp.model, resp.usage, resp.chunks
  else
    r.status, r.text = err.status, err.message
  end
  for _, f in ipairs(req.finals) do
    f { status = r.status, usage = r.usage, error = err }
  end
  host.sleep(0) -- what was cancelled with the request has had its turn
  r.calls, r.sent = since(fake.calls, calls), since(fake.sent, sent)
  r.cancelled = since(fake.cancelled, cancelled)
  if fake.complaint then core.fail("%s", fake.complaint) end
  return r
end

local names = { "headers", "metadata", "key", "id", "path", "host", "tokens", "kind" }

function t.post(body, o)
  o = o and core.options(o, "t.post", names) or {}
  return run(fake.request("POST", o.path or "/v1/chat/completions", body, o))
end

function t.get(path, o)
  o = o and core.options(o, "t.get", names) or {}
  return run(fake.request("GET", path, nil, o))
end

-- Runs a handler as if it were the only route.
function t.try(handler, body, o)
  plan.loaded = { { handler = core.handler(handler, "t.try") } }
  return t.post(body or t.ask "hi", o)
end

-- A message list with one question.
function t.ask(text)
  return { messages = { { role = "user", content = text } } }
end

-- ---- claims ----------------------------------------------------------------------------------------

local function shown(value, depth)
  if type(value) == "string" then return ("%q"):format(value):gsub("\\\n", "\\n") .. "" end
  if type(value) ~= "table" then return tostring(value) end
  if (depth or 0) > 4 then return "{...}" end
  local parts, n = {}, #value
  for i = 1, n do parts[i] = shown(value[i], (depth or 0) + 1) end
  local keys = {}
  for k in pairs(value) do
    if math.type(k) ~= "integer" or k < 1 or k > n then keys[#keys + 1] = k end
  end
  table.sort(keys, function(a, b) return tostring(a) < tostring(b) end)
  for _, k in ipairs(keys) do
    parts[#parts + 1] = ("%s = %s"):format(tostring(k), shown(value[k], (depth or 0) + 1))
  end
  return #parts == 0 and "{}" or "{ " .. table.concat(parts, ", ") .. " }"
end

-- The path of the first difference, and both values there; nil if there is none.
local function difference(got, want, path)
  if type(got) ~= "table" or type(want) ~= "table" then
    if got == want or (got ~= got and want ~= want) then return nil end
    return path, got, want
  end
  local keys = {}
  for k in pairs(want) do keys[k] = true end
  for k in pairs(got) do keys[k] = true end
  local list = {}
  for k in pairs(keys) do list[#list + 1] = k end
  table.sort(list, function(a, b) return tostring(a) < tostring(b) end)
  for _, k in ipairs(list) do
    local at, a, b = difference(got[k], want[k], ("%s[%s]"):format(path, shown(k)))
    if at then return at, a, b end
  end
end

local function marked(got, want)
  if type(got) ~= "string" or type(want) ~= "string" then return "" end
  local i = 1
  while i <= #got and got:byte(i) == want:byte(i) do i = i + 1 end
  return i > 1 and ("\n  they differ at byte %d"):format(i) or ""
end

function t.eq(got, want, note)
  local path, a, b = difference(got, want, "")
  if not path then return end
  local text = ("%swant %s\n   got %s"):format(note and note .. "\n  " or "", shown(want), shown(got))
  if path ~= "" then
    text = text .. ("\n  first difference at %s: want %s, got %s"):format(path, shown(b), shown(a))
  end
  core.fail("%s", text .. marked(got, want))
end

function t.ne(got, other, note)
  if difference(got, other, "") then return end
  core.fail("%sdid not want %s", note and note .. "\n  " or "", shown(other))
end

function t.ok(value, note)
  if not value then core.fail("%s", note or ("want something true, got " .. tostring(value))) end
end

-- got may be off by so much.
function t.near(got, want, off)
  if math.abs(got - want) > (off or 1e-6) then
    core.fail("want %s (+-%s)\n   got %s", tostring(want), tostring(off or 1e-6), tostring(got))
  end
end

function t.has(text, part)
  if not tostring(text):find(part, 1, true) then
    core.fail("want a text with %s\n   got %s", shown(part), shown(text))
  end
end

-- Does f fail, with an error that contains `part`?
function t.raises(f, part)
  local ok, err = pcall(f)
  if ok then core.fail "want an error, got none" end
  if part then t.has(tostring(err), part) end
end

return t
