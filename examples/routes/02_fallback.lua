-- Three providers in order of preference. An answer that has begun is never started again
-- elsewhere, so callers cannot see half of one and half of another.
local s = require "headgate"

return s.route {
  path = "/v1/chat/completions",
  deadline = "60s",
  handler = s.fallback {
    s.target "openai/gpt-4o",
    s.target "azure-eu/gpt-4o",
    s.target "anthropic/claude-sonnet-4",
    on = { "timeout", "rate_limited", "upstream_5xx", "connect" },
    first_token = "8s", -- one that stays silent for so long counts as a timeout
  },
}
