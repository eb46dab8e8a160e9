local t = require "headgate.test"

t.it("asks nobody else when the first answers", function()
  t.target "openai/gpt-4o":says "hello"
  local r = t.post(t.ask "hi")
  t.eq(r.text, "hello")
  t.eq(r.calls, { "openai/gpt-4o" })
end)

t.it("goes on to the next when one is down", function()
  t.target "openai/gpt-4o":fails "connect"
  t.target "azure-eu/gpt-4o":fails(429, { retry_after = 5 })
  t.target "anthropic/claude-sonnet-4":says "here I am"
  local r = t.post(t.ask "hi")
  t.eq(r.text, "here I am")
  t.eq(r.provider, "anthropic")
  t.eq(#r.calls, 3)
end)

t.it("treats silence as a timeout and cancels the silent call", function()
  t.target "openai/gpt-4o":says("too late", { after = 30 })
  t.target "azure-eu/gpt-4o":says "hello"
  local r = t.post { messages = { { role = "user", content = "hi" } } }
  t.eq(r.text, "hello")
  t.eq(r.cancelled, { "openai/gpt-4o" })
  t.eq(r.at < 9, true) -- seconds of virtual time
end)

t.it("does not go on when the request itself is wrong", function()
  t.target "openai/gpt-4o":fails(400)
  local r = t.post(t.ask "hi")
  t.eq(r.status, 400)
  t.eq(r.calls, { "openai/gpt-4o" })
end)

t.it("gives the last error when all fail", function()
  t.target "openai/gpt-4o":fails(500)
  t.target "azure-eu/gpt-4o":fails(502)
  t.target "anthropic/claude-sonnet-4":fails(529)
  local r = t.post(t.ask "hi")
  t.eq(r.status, 529)
  t.eq(r.error.target, "anthropic/claude-sonnet-4")
end)
