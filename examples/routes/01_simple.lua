-- Every chat completion goes to one model, whatever model the caller asked for.
local s = require "headgate"

return s.route {
  path = "/v1/chat/completions",
  handler = s.target "openai/gpt-4o-mini",
}
