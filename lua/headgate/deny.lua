-- s.deny(status, message): the road out of a handler, as in `return s.deny(402, "budget used up")`.
local host = require "headgate.host"
local core = require "headgate.core"

local kinds = {
  [400] = "bad_request", [401] = "auth", [402] = "budget", [403] = "denied", [429] = "rate_limited",
}

return function(status, message, more)
  if math.type(status) ~= "integer" or status < 400 or status > 599 then
    core.fail("s.deny: a status from 400 to 599 is needed, not %s", tostring(status))
  end
  return nil, host.error(kinds[status] or "denied", status, message or "denied", more)
end
