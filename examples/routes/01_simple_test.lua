local t = require "headgate.test"

t.it("asks the one target, with its own model", function()
  t.target "openai/gpt-4o-mini":says "hello"
  local r = t.post { model = "whatever", messages = { { role = "user", content = "hi" } } }
  t.eq(r.status, 200)
  t.eq(r.text, "hello")
  t.eq(r.calls, { "openai/gpt-4o-mini" })
  t.eq(r.sent[1].model, "gpt-4o-mini")
end)

t.it("hands the target's error on", function()
  t.target "openai/gpt-4o-mini":fails(503)
  local r = t.post(t.ask "hi")
  t.eq(r.status, 503)
  t.eq(r.error.kind, "upstream_5xx")
  t.eq(r.error.target, "openai/gpt-4o-mini")
end)

t.it("is not for other paths", function()
  t.eq(t.get("/v1/models").status, 404)
end)
