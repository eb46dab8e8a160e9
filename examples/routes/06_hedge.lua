-- For callers in a hurry: if the first has not begun to answer after 700 ms, ask a second one too
-- and take whoever is first. The budget keeps a slow day from doubling the bill.
local s = require "headgate"

return s.route {
  path = "/v1/chat/completions",
  match = function(req) return req.metadata.latency == "low" end,
  handler = s.hedge {
    s.target "openai/gpt-4o-mini",
    s.target "groq/llama-3.3-70b",
    after = "700ms",
    budget = 0.10, -- at most 10 % more calls, counted over all workers
  },
}
