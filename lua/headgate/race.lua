-- s.race(req, { h1, h2 }): all at once; the first response wins, the others are cancelled.
local host = require "headgate.host"
local core = require "headgate.core"

local spawn, wait, result, cancel = host.spawn, host.wait, host.result, host.cancel

return function(req, list)
  local tasks, err = {}, nil
  if type(list) ~= "table" or #list == 0 then core.fail "s.race: a list of handlers is needed" end
  for i = 1, #list do tasks[i] = spawn(core.handler(list[i], "s.race"), req) end
  for _ = 1, #list do
    local i = wait(tasks)
    local resp, e = result(tasks[i])
    tasks[i] = false
    if resp then
      for k = 1, #tasks do
        if tasks[k] then cancel(tasks[k]) end
      end
      return resp
    end
    err = e
  end
  return nil, err
end
