-- The route of a gateway without route files: every endpoint below /v1. The provider is the one
-- the header names, or the one before the slash in the model's name, or the first that is
-- configured.
local s = require "headgate"
local host = require "headgate.host"

local names = host.providers()
local targets = {}
for _, name in ipairs(names) do targets[name] = s.target(name) end

local function unknown(name)
  local near = host.suggest(name, names)
  return s.deny(400, ("there is no provider '%s'%s"):format(name,
    near and ("; did you mean '%s'?"):format(near) or ""))
end

local function handler(req)
  local name = req.headers["x-headgate-provider"] or req.headers["x-portkey-provider"]
  if name then
    name = name:gsub("^@", "")
    local ask = targets[name]
    if ask then return ask(req) end
    return unknown(name)
  end

  -- "openai/gpt-4o", or "@openai/gpt-4o". A slash alone proves nothing: some models have one in
  -- their own names.
  local model = req.model
  if model then
    local prefix, rest = model:match "^@?([^/]+)/(.+)$"
    local ask = targets[prefix]
    if ask then return ask(req:with { model = rest }) end
    if model:sub(1, 1) == "@" then return unknown(prefix or model:sub(2)) end
  end

  local first = targets[names[1]]
  if first then return first(req) end
  return s.deny(404, "no provider is configured")
end

return function()
  return s.route { name = "default", path = "/v1/...", handler = handler }
end
