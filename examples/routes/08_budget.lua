-- When the money of a key runs low, its requests go to a smaller model, and say so.
local s = require "headgate"

local big, small = s.target "openai/gpt-4o", s.target "openai/gpt-4o-mini"

return s.route {
  path = "/v1/chat/completions",
  handler = function(req)
    local left = req.key.budget:left() -- US dollars; a shared counter, so this does not wait
    if left <= 0 then return s.deny(402, "budget used up") end
    if left > 5 then return big(req) end
    local resp, err = small(req)
    if resp then resp:header("x-downgraded", "budget") end
    return resp, err
  end,
}
