-- Two accounts share the traffic 70 to 30. A session stays with its account, because providers keep
-- the beginning of a conversation warm for a while.
local s = require "headgate"

return s.route {
  path = "/v1/chat/completions",
  handler = s.balance {
    { s.target "openai-a/gpt-4o", weight = 70 },
    { s.target "openai-b/gpt-4o", weight = 30 },
    sticky = s.by.metadata "session",
    eject = { errors = 5, within = "30s", rest = "20s" }, -- counted over all workers
  },
}
