-- s.by: functions that name what a decision depends on, for sticky and canary.
local core = require "headgate.core"

local by = {}

function by.metadata(name)
  core.text(name, "s.by.metadata")
  return function(req) return req.metadata[name] end
end

function by.header(name)
  name = core.text(name, "s.by.header"):lower()
  return function(req) return req.headers[name] end
end

-- The key the caller used, by its id.
function by.key(req)
  local key = req.key
  return key and key.id
end

function by.model(req)
  return req.model
end

return by
