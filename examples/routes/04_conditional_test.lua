local t = require "headgate.test"

local function providers()
  t.target "openai/gpt-4o":says "big"
  t.target "gemini/gemini-2.5-pro":says "long"
  t.target "groq/llama-3.3-70b":says "quick"
end

t.it("gives the big model to those who pay", function()
  providers()
  t.eq(t.post(t.ask "hi", { metadata = { tier = "paid" } }).text, "big")
end)

t.it("sends long texts where they fit", function()
  providers()
  t.eq(t.post(t.ask(("word "):rep(40000))).text, "long")
end)

t.it("gives the rest the quick one", function()
  providers()
  t.eq(t.post(t.ask "hi").text, "quick")
  t.eq(t.post(t.ask "hi", { metadata = { tier = "free" } }).text, "quick")
end)
