local t = require "headgate.test"

local hurry = { metadata = { latency = "low" } }

t.it("is only for those in a hurry", function()
  t.eq(t.post(t.ask "hi").status, 404)
end)

t.it("asks one if it is quick enough", function()
  t.target "openai/gpt-4o-mini":says("quick", { after = "600ms" })
  local r = t.post(t.ask "hi", hurry)
  t.eq(r.text, "quick")
  t.eq(r.calls, { "openai/gpt-4o-mini" })
  t.near(r.at, 0.6)
end)

t.it("asks a second one after 700 ms and cancels the loser", function()
  t.target "openai/gpt-4o-mini":says("slow", { after = "5s" })
  t.target "groq/llama-3.3-70b":says("second", { after = "200ms" })
  local r = t.post(t.ask "hi", hurry)
  t.eq(r.text, "second")
  t.eq(r.cancelled, { "openai/gpt-4o-mini" })
  t.near(r.at, 0.9)
end)

t.it("takes the first if it comes first after all", function()
  t.target "openai/gpt-4o-mini":says("first", { after = "800ms" })
  t.target "groq/llama-3.3-70b":says("second", { after = "5s" })
  local r = t.post(t.ask "hi", hurry)
  t.eq(r.text, "first")
  t.eq(r.cancelled, { "groq/llama-3.3-70b" })
end)

t.it("does not wait with the second when the first fails", function()
  t.target "openai/gpt-4o-mini":fails(500)
  t.target "groq/llama-3.3-70b":says "second"
  local r = t.post(t.ask "hi", hurry)
  t.eq(r.text, "second")
  t.near(r.at, 0)
end)

t.it("stays within its budget", function()
  t.target "openai/gpt-4o-mini":says("slow", { after = "800ms" })
  t.target "groq/llama-3.3-70b":says("second", { after = "5s" })
  local calls = 0
  for _ = 1, 40 do calls = calls + #t.post(t.ask "hi", hurry).calls end
  t.eq(calls, 44)
end)
