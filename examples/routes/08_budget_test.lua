local t = require "headgate.test"

local function left(dollars)
  t.target "openai/gpt-4o":says "big"
  t.target "openai/gpt-4o-mini":says "small"
  return t.post(t.ask "hi", { key = { budget = dollars } })
end

t.it("gives the big model while there is money", function()
  local r = left(20)
  t.eq(r.text, "big")
  t.eq(r.headers["x-downgraded"], nil)
end)

t.it("gives the small one when it runs low, and says so", function()
  local r = left(3)
  t.eq(r.text, "small")
  t.eq(r.headers["x-downgraded"], "budget")
end)

t.it("refuses when there is none", function()
  local r = left(0)
  t.eq(r.status, 402)
  t.eq(r.error.kind, "budget")
  t.eq(r.calls, {})
end)
