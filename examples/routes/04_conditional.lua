-- Who pays gets the big model, long texts get the one with the long memory, the rest the quick one.
local s = require "headgate"

local paid = s.target "openai/gpt-4o"
local long = s.target "gemini/gemini-2.5-pro"
local free = s.target "groq/llama-3.3-70b"

return s.route {
  path = "/v1/chat/completions",
  handler = function(req)
    if req.metadata.tier == "paid" then return paid(req) end
    if req.tokens > 30000 then return long(req) end
    return free(req)
  end,
}
