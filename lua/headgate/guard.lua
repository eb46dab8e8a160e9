-- s.guard(h, { input = {...}, output = {...}, on_error = "deny" | "allow", stream = "hold" | "watch" })
local host = require "headgate.host"
local core = require "headgate.core"

local guard_request, guard_response = host.guard_request, host.guard_response

local function handles(names, place)
  if names == nil then return nil end
  if type(names) == "string" then names = { names } end
  if type(names) ~= "table" or #names == 0 then
    core.fail("%s: a list of guards is needed, such as { \"pii\" }", place)
  end
  local list = {}
  for i, name in ipairs(names) do
    list[i] = core.ask(host.guard, core.text(name, place))
  end
  return list
end

return function(handler, o)
  core.options(o, "s.guard", { "input", "output", "on_error", "stream" })
  local run = core.handler(handler, "s.guard")
  local input, output = handles(o.input, "s.guard: input"), handles(o.output, "s.guard: output")
  if not input and not output then core.fail "s.guard: give it input or output guards" end
  local how = {
    on_error = core.choice(o.on_error, "s.guard: on_error", { "deny", "allow" }, "deny"),
    stream = core.choice(o.stream, "s.guard: stream", { "hold", "watch" }, "hold"),
  }

  if not output then
    return core.made(function(req, options)
      local ok, err = guard_request(input, req, how)
      if not ok then return nil, err end
      return run(req, options)
    end)
  end
  return core.made(function(req, options)
    if input then
      local ok, err = guard_request(input, req, how)
      if not ok then return nil, err end
    end
    local resp, err = run(req, options)
    if not resp then return nil, err end
    return guard_response(output, resp, how)
  end)
end
