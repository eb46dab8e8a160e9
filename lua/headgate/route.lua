-- s.route { path =, handler =, ... }: what a route file returns. Checked here, read by the gateway.
local core = require "headgate.core"

local names = { "path", "host", "method", "match", "auth", "handler", "deadline", "on_error", "name" }

-- A text or a list of texts becomes a list.
local function texts(value, place, pattern, example)
  if value == nil then return nil end
  if type(value) == "string" then value = { value } end
  if type(value) ~= "table" or #value == 0 then
    core.fail("%s: a text or a list of texts is needed, such as %s", place, example)
  end
  local list = {}
  for i, text in ipairs(value) do
    if type(text) ~= "string" or not text:find(pattern) then
      core.fail("%s: '%s' is not possible; write it like %s", place, tostring(text), example)
    end
    list[i] = text
  end
  return list
end

return function(o)
  core.options(o, "s.route", names)
  if #o > 0 then core.fail "s.route: write handler = in front of the handler" end
  core.handler(o.handler, "s.route: handler")
  return {
    path = texts(o.path, "s.route: path", "^/[^%s?#]*$", '"/v1/chat/completions" or "/v1/..."'),
    host = texts(o.host, "s.route: host", "^%*?[%w%.%-:%[%]]+$",
      '"api.example.com" or "*.example.com"'),
    method = texts(o.method, "s.route: method", "^%u+$", '"POST"'),
    match = core.optional_function(o.match, "s.route: match"),
    auth = core.optional_function(o.auth, "s.route: auth"),
    on_error = core.optional_function(o.on_error, "s.route: on_error"),
    handler = o.handler,
    deadline = o.deadline and core.seconds(o.deadline, "s.route: deadline"),
    name = o.name and core.text(o.name, "s.route: name"),
  }
end
