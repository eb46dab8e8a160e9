-- Half of the users get the other model. The tag lands in the record of the request, so the arms
-- can be compared later.
local s = require "headgate"

local arms = { control = s.target "openai/gpt-4o", treatment = s.target "anthropic/claude-sonnet-4" }

return s.route {
  path = "/v1/chat/completions",
  handler = function(req)
    local arm = s.bucket("exp-42", req.metadata.user or req.id) < 0.5 and "control" or "treatment"
    req:tag("exp-42", arm)
    return arms[arm](req)
  end,
}
