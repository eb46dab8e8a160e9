local t = require "headgate.test"

local mine = { headers = { Authorization = "Bearer abc" } }

t.it("refuses without a token", function()
  local r = t.post(t.ask "hi")
  t.eq(r.status, 401)
  t.eq(r.text, "no bearer token")
end)

t.it("asks the identity provider once, and remembers", function()
  t.target "openai/gpt-4o-mini":says "hello"
  t.http "idp":replies(200, { active = true, sub = "ann" })
  t.eq(t.post(t.ask "hi", mine).text, "hello")
  t.eq(t.post(t.ask "hi", mine).text, "hello")
  t.eq(#t.http "idp".requests, 1)
  t.eq(t.http "idp".requests[1].form, { token = "abc" })
  t.eq(t.shared "sessions":get "abc", "ann")
  t.sleep "6m"
  t.post(t.ask "hi", mine)
  t.eq(#t.http "idp".requests, 2)
end)

t.it("refuses a token that is not active", function()
  t.http "idp":replies(200, { active = false })
  local r = t.post(t.ask "hi", mine)
  t.eq(r.status, 401)
  t.eq(r.text, "token is not active")
end)

t.it("does not wait for ever", function()
  t.http "idp":replies(200, {}, { after = "10s" })
  local r = t.post(t.ask "hi", mine)
  t.eq(r.error.kind, "timeout")
  t.near(r.at, 2)
end)
