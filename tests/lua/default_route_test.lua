local t = require "headgate.test"

t.providers { "openai", "claude" }
t.route "headgate.default_route"

local function post(model, o)
  t.target "openai/gpt-4o":says "from openai"
  t.target "claude/sonnet":says "from claude"
  t.target "openai/org/model":says "slash"
  return t.post({ model = model, messages = {} }, o)
end

t.it("takes the provider from the model's name", function()
  local r = post "claude/sonnet"
  t.eq(r.text, "from claude")
  t.eq(r.sent[1].model, "sonnet")
  t.eq(post("@openai/gpt-4o").text, "from openai")
end)

t.it("takes the provider from a header", function()
  t.eq(post("sonnet", { headers = { ["x-headgate-provider"] = "claude" } }).text, "from claude")
  t.eq(post("sonnet", { headers = { ["x-portkey-provider"] = "@claude" } }).text, "from claude")
  local r = post("x", { headers = { ["x-headgate-provider"] = "claud" } })
  t.eq(r.status, 400)
  t.has(r.text, "did you mean 'claude'?")
end)

t.it("gives everything else to the first provider, as it is", function()
  t.eq(post("gpt-4o").text, "from openai")
  t.eq(post("org/model").text, "slash")
  t.eq(post("gpt-4o", { path = "/v1/embeddings" }).text, "from openai")
  t.eq(post("gpt-4o", { path = "/v1beta/models/gpt-4o:generateContent" }).text, "from openai")
end)

t.it("says when a provider does not exist", function()
  local r = post "@opnai/gpt-4o"
  t.eq(r.status, 400)
  t.has(r.text, "did you mean 'openai'?")
end)

t.it("lists the models of all providers", function()
  t.target "openai/gpt-4o":says "x"
  t.target "claude/sonnet":says "x"
  local r = t.get("/v1/models", { kind = "models" })
  t.eq(r.status, 200)
  t.eq(r.calls, {})
  t.has(r.text, '"claude/sonnet"')
  t.has(r.text, '"openai/gpt-4o"')
end)
