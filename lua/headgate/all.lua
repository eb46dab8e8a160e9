-- s.all(req, { h1, h2 }): all at once, and wait for all of them. Two lists, by the same places:
-- responses and errors; a place is false where there is none.
local host = require "headgate.host"
local core = require "headgate.core"

return function(req, list)
  local tasks, resps, errs = {}, {}, {}
  if type(list) ~= "table" then core.fail "s.all: a list of handlers is needed" end
  for i = 1, #list do tasks[i] = host.spawn(core.handler(list[i], "s.all"), req) end
  for _ = 1, #list do
    local i = host.wait(tasks)
    local resp, err = host.result(tasks[i])
    tasks[i] = false
    resps[i], errs[i] = resp or false, err or false
  end
  return resps, errs
end
