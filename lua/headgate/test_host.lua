-- The gateway of `headgate test`: the same module headgate.host, with targets that answer what the
-- test says, at a time that is only counted. Loaded before the rest of the library.
local host = require "headgate.host"
local native = require "headgate.test_native"

local fake = {}

host.json_decode, host.json_encode = native.json_decode, native.json_encode

-- What a test has declared and what has happened in it. Each test has a Lua state of its own.
fake.targets, fake.guards, fake.caches, fake.upstreams, fake.maps = {}, {}, {}, {}, {}
fake.calls, fake.sent, fake.cancelled, fake.logs = {}, {}, {}, {}
fake.providers = { "openai" }
fake.draws = {}
fake.complaint = nil -- why this test fails whatever it says itself

local function complain(...)
  fake.complaint = fake.complaint or (...):format(select(2, ...))
  error(fake.complaint, 0)
end

-- ---- errors, chance, log ------------------------------------------------------------------------

local Error = {
  __tostring = function(err) return ("%s (%d): %s"):format(err.kind, err.status, err.message) end,
  __metatable = false,
}

local statuses = {
  timeout = 504, rate_limited = 429, upstream_5xx = 502, upstream_4xx = 400, connect = 502,
  protocol = 502, denied = 403, budget = 402, bad_request = 400, auth = 401, cancelled = 499,
  internal = 500,
}

local kind_names = {}
for kind in pairs(statuses) do kind_names[#kind_names + 1] = kind end
table.sort(kind_names)

function host.error(kind, status, message, more)
  if not statuses[kind] then error(("'%s' is no kind of error"):format(tostring(kind)), 2) end
  local err = { kind = kind, status = status or statuses[kind], message = message or kind }
  for k, v in pairs(more or {}) do err[k] = v end
  return setmetatable(err, Error)
end

-- The same numbers each time, unless the test gives its own.
local seed = 12345
function host.random()
  if #fake.draws > 0 then return table.remove(fake.draws, 1) end
  seed = (seed * 1103515245 + 12345) % 2147483648
  return seed / 2147483648
end

function host.bucket(salt, key)
  local h = 0xcbf29ce484222325
  for c in (tostring(salt) .. "\0" .. tostring(key)):gmatch "." do
    h = (h ~ c:byte()) * 0x100000001b3
  end
  -- The last bytes alone would hardly move the upper bits: mix once more.
  h = h ~ (h >> 32)
  h = h * 0x9e3779b97f4a7c15
  return (h >> 11) / 9007199254740992
end

function host.log(level, text)
  fake.logs[#fake.logs + 1] = level .. ": " .. text
end

function host.providers()
  return fake.providers
end

function host.names_provider(req)
  local headers, model = req.headers, req.model or ""
  return (req.kind == "models" or headers["x-headgate-provider"] or headers["x-portkey-provider"]
    or model:find("/", 1, true) or model:sub(1, 1) == "@") and true or false
end

-- ---- requests ------------------------------------------------------------------------------------

local Request = {}

local function walk(value, pointer)
  for part in pointer:gmatch "/([^/]*)" do
    if type(value) ~= "table" then return nil end
    part = part:gsub("~1", "/"):gsub("~0", "~")
    value = value[math.tointeger(tonumber(part)) and math.tointeger(tonumber(part)) + 1 or part]
  end
  return value
end

-- All text a model would read.
local function texts_of(value, out)
  if type(value) == "string" then
    out[#out + 1] = value
  elseif type(value) == "table" then
    for _, v in ipairs(value) do texts_of(v, out) end
    texts_of(value.content, out)
    texts_of(value.text, out)
  end
  return out
end

function Request:text()
  return host.json_encode(self.body)
end

function Request:get(pointer)
  return walk(self.body, pointer)
end

local function copied(value)
  if type(value) ~= "table" then return value end
  local copy = {}
  for k, v in pairs(value) do copy[k] = copied(v) end
  return copy
end

function Request:with(changes)
  local fields = rawget(self, "fields")
  local copy = {}
  for k, v in pairs(fields) do copy[k] = v end
  copy.body = copied(fields.body)
  local req = setmetatable({ fields = copy }, getmetatable(self) or Request.meta)
  for k, v in pairs(changes) do req[k] = v end
  return req
end

function Request:tag(name, value)
  self.tags[name] = value == nil and true or value
end

function Request:finally(f)
  self.finals[#self.finals + 1] = f
end

local field_names = {
  "id", "model", "stream", "kind", "tokens", "headers", "metadata", "key", "attempt", "deadline",
  "body", "path", "method", "host",
}
local is_field = {}
for _, name in ipairs(field_names) do is_field[name] = true end

Request.meta = {
  __index = function(req, name)
    local fields = rawget(req, "fields")
    if name == "deadline" then return fields.due and math.max(fields.due - host.clock(), 0) end
    if Request[name] then return Request[name] end
    local value = fields[name]
    if value == nil and not is_field[name] and name ~= "tags" and name ~= "finals" then
      error(("a request has no '%s'"):format(tostring(name)), 2)
    end
    return value
  end,
  -- A field of the body: "model", "temperature". The bytes are patched, as in the gateway.
  __newindex = function(req, name, value)
    local fields = rawget(req, "fields")
    if name == "model" or name == "stream" then
      fields[name] = value
    elseif is_field[name] then
      error(("'%s' of a request cannot be changed"):format(name), 2)
    end
    if type(fields.body) == "table" then fields.body[name] = value end
  end,
}

local count = 0
function fake.request(method, path, body, o)
  count = count + 1
  local headers, metadata = {}, {}
  for k, v in pairs(o.headers or {}) do headers[k:lower()] = v end
  for k, v in pairs(o.metadata or {}) do metadata[k] = v end
  local texts = texts_of(type(body) == "table" and (body.messages or body.input) or "", {})
  local words = table.concat(texts, " ")
  local key = o.key
  if key then
    local left = key.budget
    key = { id = key.id or "key", name = key.name }
    key.budget = { left = function() return left or math.huge end }
  else
    key = { id = "key", budget = { left = function() return math.huge end } }
  end
  return setmetatable({ fields = {
    id = o.id or ("req-%d"):format(count), method = method, path = path, host = o.host,
    body = body, model = type(body) == "table" and body.model or nil,
    stream = type(body) == "table" and body.stream == true or false,
    kind = o.kind or "chat", tokens = o.tokens or math.ceil(#words / 4),
    headers = headers, metadata = metadata, key = key, attempt = 1, tags = {}, finals = {},
  } }, Request.meta)
end

function fake.set_deadline(req, seconds)
  if seconds then rawget(req, "fields").due = host.clock() + seconds end
end

-- ---- responses -----------------------------------------------------------------------------------

local Response = {}
Response.__index = Response

function fake.response(text, o)
  return setmetatable({
    status = o.status or 200, provider = o.provider, model = o.model, usage = o.usage,
    headers = copied(o.headers or {}), body = text, chunks = o.stream or { text },
  }, Response)
end

function Response:header(name, value)
  if value == nil then return self.headers[name:lower()] end
  self.headers[name:lower()] = value
end

-- The texts, as the functions that resp:map was given have changed them.
function Response:texts()
  local texts = {}
  for i, text in ipairs(self.chunks) do
    for _, f in ipairs(self.maps or {}) do
      local changed = f(text)
      if changed and type(changed) ~= "string" then
        error(("a function of resp:map returns a text, or nil to keep it, not a %s")
          :format(type(changed)), 0)
      end
      text = changed or text
    end
    texts[i] = text
  end
  return texts
end

function Response:text()
  return self.maps and table.concat(self:texts()) or self.body
end

function Response:json()
  return host.json_decode(self:text())
end

function Response:each(f)
  for _, text in ipairs(self:texts()) do f(text) end
  return self
end

function Response:map(f)
  self.maps = self.maps or {}
  self.maps[#self.maps + 1] = f
  return self
end

-- ---- targets -------------------------------------------------------------------------------------

function host.target(name, params)
  local instance, model = name:match "^([%w_%-%.]+)/(.+)$"
  if not instance and not name:find "^[%w_%-%.]+$" then
    error(("'%s' is no target; write it like \"openai/gpt-4o\""):format(name), 0)
  end
  return { name = name, instance = instance or name, model = model, params = params }
end

-- The step of a script that is next; the last one is repeated.
function fake.next_step(script)
  script.at = math.min((script.at or 0) + 1, #script.steps)
  return script.steps[script.at]
end

local function script_of(handle, req)
  local name = handle.name
  if not handle.model and not fake.targets[name] then name = name .. "/" .. tostring(req.model) end
  local script = fake.targets[name]
  if not script or #script.steps == 0 then
    complain("the target '%s' was called, but the test does not say what it answers; add\n"
      .. "t.target \"%s\":says \"...\"", name, name)
  end
  return script, name
end

function fake.failure(step, name)
  local what, more = step.fails, { target = name, retry_after = step.retry_after }
  if type(what) ~= "number" then return host.error(what, statuses[what], step.message, more) end
  local kind = what == 429 and "rate_limited" or what >= 500 and "upstream_5xx" or "upstream_4xx"
  return host.error(kind, what, step.message or ("%s answered %d"):format(name, what), more)
end

-- How long it may take: the strictest of the limits.
local function limit_of(req, options)
  local limit = math.huge
  for _, seconds in pairs { options and options.timeout, options and options.first_token, req.deadline } do
    limit = math.min(limit, seconds)
  end
  return limit
end

local Watch = { __close = function(watch)
  if not watch.is_done then fake.cancelled[#fake.cancelled + 1] = watch.name end
end }

-- A call that takes `step.after` seconds; false if that is over the limit.
local function pass_time(step, name, limit)
  local watch <close> = setmetatable({ name = name, is_done = false }, Watch)
  local after = step.after or 0
  if after > limit then
    host.sleep(limit)
    return false
  end
  host.sleep(after)
  watch.is_done = true
  return true
end

-- The models that the test's targets name.
function host.offers(names)
  local set = names and {}
  for _, name in ipairs(names or {}) do set[name] = true end
  return { set = set }
end

function host.models(offers)
  local data = {}
  for name in pairs(fake.targets) do
    local provider = name:match "^[^/]+"
    if not offers.set or offers.set[provider] then
      data[#data + 1] = { id = name, object = "model", owned_by = provider }
    end
  end
  table.sort(data, function(a, b) return a.id < b.id end)
  return fake.response(host.json_encode { object = "list", data = data }, {})
end

function host.passes_models()
  return false
end

function host.call(handle, req, options)
  local script, name = script_of(handle, req)
  local step = fake.next_step(script)
  local model = handle.model or req.model
  fake.calls[#fake.calls + 1] = name
  fake.sent[#fake.sent + 1] =
    { target = name, model = model, body = copied(req.body), params = handle.params }
  if not pass_time(step, name, limit_of(req, options)) then
    return nil, host.error("timeout", 504, ("%s did not answer in time"):format(name), { target = name })
  end
  if step.fails then return nil, fake.failure(step, name) end
  if step.answers then
    local text, err = step.answers(req)
    if text == nil then return nil, err end
    return fake.response(text, { provider = handle.instance, model = model })
  end
  local o = copied(step)
  o.provider, o.model = handle.instance, model
  o.usage = o.usage or { input = req.tokens, output = math.ceil(#step.says / 4) }
  return fake.response(step.says, o)
end

-- ---- guards ------------------------------------------------------------------------------------

function host.guard(name)
  return { name = name }
end

local function judged(text, step)
  if step.only and not text:find(step.only, 1, true) then return "pass" end
  if step.denies then return "deny" end
  return "redact", (text:gsub(step.redacts, step.with))
end

-- Text through all guards: the text, perhaps another one; or nil, err.
local function through(handles, text, how)
  for _, handle in ipairs(handles) do
    local script = fake.guards[handle.name]
    local step = script and fake.next_step(script) or { passes = true }
    if step.after then host.sleep(step.after) end
    if step.fails then
      if how.on_error ~= "allow" then
        return nil, host.error("internal", 500, ("the guard '%s' failed"):format(handle.name))
      end
    elseif not step.passes then
      local verdict, changed = judged(text, step)
      if verdict == "deny" then
        return nil, host.error("denied", 446, step.message or ("denied by '%s'"):format(handle.name))
      end
      text = changed or text
    end
  end
  return text
end

function host.guard_request(handles, req, how)
  local messages = req.body and req.body.messages or {}
  for _, message in ipairs(messages) do
    if type(message.content) == "string" then
      local text, err = through(handles, message.content, how)
      if not text then return nil, err end
      message.content = text
    end
  end
  return true
end

function host.guard_response(handles, resp, how)
  local text, err = through(handles, resp:text(), how)
  if not text then return nil, err end
  if text ~= resp.body then resp.body, resp.chunks = text, { text } end
  return resp
end

-- ---- caches ------------------------------------------------------------------------------------

function host.cache(name, how)
  return { name = name, how = how }
end

local function entry_of(cache, req)
  local entries = fake.caches[cache.name] or { kept = {} }
  fake.caches[cache.name] = entries
  local key = host.json_encode(req.body)
  if cache.how.mode == "semantic" then
    -- Near enough for a test: case, spaces and punctuation make no difference.
    local body = req.body or {}
    key = table.concat(texts_of(body.messages or body.input or "", {}), " "):lower():gsub("%W+", "")
  end
  return entries, cache.how.mode .. ":" .. key
end

local Miss = { __close = function() end }

function host.cache_lookup(cache, req)
  local entries, key = entry_of(cache, req)
  host.sleep(entries.after or 0)
  local kept = not entries.fails and entries.kept[key]
  if not kept or kept.until_ <= host.clock() then
    return nil, setmetatable({ entries = entries, key = key, ttl = cache.how.ttl }, Miss)
  end
  local resp = fake.response(kept.text, kept)
  resp.headers["x-headgate-cache"] = "hit"
  return resp
end

function host.cache_store(miss, resp)
  if miss.entries.fails then return end
  miss.entries.kept[miss.key] = {
    text = resp:text(), status = resp.status, provider = resp.provider, model = resp.model,
    until_ = host.clock() + miss.ttl,
  }
end

-- ---- upstreams -----------------------------------------------------------------------------------

local Reply = {}
Reply.__index = Reply
function Reply:text() return self.body end
function Reply:json() return host.json_decode(self.body) end
function Reply:header(name) return self.headers[name:lower()] end

local Upstream = {}
Upstream.__index = Upstream

local function exchange(upstream, method, path, o)
  local script = fake.upstreams[upstream.name]
  if not script or #script.steps == 0 then
    complain("the upstream '%s' was called, but the test does not say what it replies; add\n"
      .. "t.http \"%s\":replies(200, { ... })", upstream.name, upstream.name)
  end
  local step = fake.next_step(script)
  o = o or {}
  script.requests[#script.requests + 1] =
    { method = method, path = path, form = o.form, json = o.json, body = o.body, headers = o.headers }
  if not pass_time(step, upstream.name, o.timeout or math.huge) then
    return nil, host.error("timeout", 504, ("%s did not answer in time"):format(upstream.name))
  end
  if step.fails then return nil, fake.failure(step, upstream.name) end
  local body = type(step.body) == "table" and host.json_encode(step.body) or step.body or ""
  return setmetatable({ status = step.status, body = body, headers = step.headers or {} }, Reply)
end

function Upstream:get(path, o) return exchange(self, "GET", path, o) end
function Upstream:post(path, o) return exchange(self, "POST", path, o) end

function host.http(name)
  return setmetatable({ name = name }, Upstream)
end

-- ---- shared values -------------------------------------------------------------------------------

local Map = {}
Map.__index = Map

local function live(map, key)
  local entry = map[key]
  if entry and entry.until_ and entry.until_ <= host.clock() then
    map[key] = nil
    return nil
  end
  return entry
end

local function put(map, key, value, ttl)
  map[key] = value ~= nil and { value = value, until_ = ttl and host.clock() + ttl } or nil
end

-- Values are texts there; those that look like whole numbers come back as numbers.
local function kept(value)
  if type(value) ~= "string" and type(value) ~= "number" then
    error(("a shared value is a text or a number, not a %s"):format(type(value)), 3)
  end
  return math.tointeger(tonumber(value)) or tostring(value)
end

function Map:get(key)
  local entry = live(self.values, key)
  return entry and entry.value
end

function Map:set(key, value, ttl)
  put(self.values, key, value ~= nil and kept(value) or nil, ttl)
end

-- The time to live counts from the first: a window that is not moved by those who come later.
function Map:incr(key, delta, ttl)
  local entry = live(self.values, key)
  if not entry then
    put(self.values, key, delta, ttl)
    return delta
  end
  entry.value = entry.value + delta
  return entry.value
end

function Map:cas(key, old, new, ttl)
  local entry = live(self.values, key)
  if (entry and entry.value) ~= (old ~= nil and kept(old) or nil) then return false end
  put(self.values, key, kept(new), ttl)
  return true
end

function Map:take(key, o)
  local now, n = host.clock(), o.n or 1
  local bucket = self.values[key] or { tokens = o.burst, at = now }
  bucket.tokens = math.min(o.burst, bucket.tokens + (now - bucket.at) * o.rate)
  bucket.at = now
  self.values[key] = bucket
  if bucket.tokens >= n then
    bucket.tokens = bucket.tokens - n
    return true, 0
  end
  return false, (n - bucket.tokens) / o.rate
end

function host.shared(name)
  fake.maps[name] = fake.maps[name] or setmetatable({ values = {} }, Map)
  return fake.maps[name]
end

return fake
