-- A new model gets 5 % of the keys, and is taken out by itself if it fails too often. A third one
-- sees copies of some requests, and nobody waits for it.
local s = require "headgate"

local live = s.canary {
  stable = s.target "openai/gpt-4o",
  candidate = s.target "openai/gpt-5-mini",
  percent = 5,
  by = s.by.key,
  abort = { error_rate = 0.05, over = 200, within = "5m" },
}

return s.route {
  path = "/v1/chat/completions",
  handler = s.shadow(live, { to = s.target "lab/llama-70b", sample = 0.02, max_inflight = 8 }),
}
