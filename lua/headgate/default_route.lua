-- The route of a gateway without route files: every path of every dialect. The provider is the one
-- the header names, or the one before the slash in the model's name, or the first that is
-- configured. A function, so that the gateway gets the route itself and no read-only face of it.
local s = require "headgate"
local host = require "headgate.host"

local function unknown(name, names)
  local near = host.suggest(name, names)
  return s.deny(400, ("there is no provider '%s'%s"):format(name,
    near and ("; did you mean '%s'?"):format(near) or ""))
end

return function()
  local names = host.providers()
  local targets = {}
  for _, name in ipairs(names) do targets[name] = s.target(name) end
  local first = targets[names[1]]

  local list_all = s.models()

  local function ask_first(req)
    if first then return first(req) end
    return s.deny(404, "no provider is configured")
  end

  local function ask_named(req)
    local headers = req.headers
    local name = headers["x-headgate-provider"] or headers["x-portkey-provider"]
    if name then
      name = name:gsub("^@", "")
      local ask = targets[name]
      if ask then return ask(req) end
      return unknown(name, names)
    end

    if req.kind == "models" and not host.passes_models(req) then return list_all(req) end

    -- "openai/gpt-4o", or "@openai/gpt-4o". A slash alone proves nothing: some models have one in
    -- their own names.
    local model = req.model
    if model and (model:find("/", 1, true) or model:sub(1, 1) == "@") then
      local prefix, rest = model:match "^@?([^/]+)/(.+)$"
      local ask = targets[prefix]
      if ask then return ask(req:with { model = rest }) end
      if model:sub(1, 1) == "@" then return unknown(prefix or model:sub(2), names) end
    end

    return ask_first(req)
  end

  local names_provider = host.names_provider
  local function handler(req)
    if names_provider(req) then return ask_named(req) end
    return ask_first(req)
  end

  return s.route { name = "default", path = "/...", handler = handler }
end
