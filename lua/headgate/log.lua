-- s.log.info("text"), s.log.warn("%d of %d", n, m): lines in the gateway's own log.
local host = require "headgate.host"

local function writer(level)
  return function(text, ...)
    if select("#", ...) > 0 then text = text:format(...) end
    host.log(level, tostring(text))
  end
end

return { debug = writer "debug", info = writer "info", warn = writer "warn", error = writer "error" }
