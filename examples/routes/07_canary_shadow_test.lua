local t = require "headgate.test"

local function with_key(i)
  return { key = { id = "key-" .. i } }
end

local function providers()
  t.target "openai/gpt-4o":says "stable"
  t.target "openai/gpt-5-mini":says "candidate"
  t.target "lab/llama-70b":says "shadow"
end

t.it("gives 5 % of the keys the candidate, always the same ones", function()
  providers()
  local count = 0
  for i = 1, 400 do
    local r = t.post(t.ask "hi", with_key(i))
    if r.text == "candidate" then
      count = count + 1
      t.eq(r.tags.canary, "candidate")
      t.eq(t.post(t.ask "hi", with_key(i)).text, "candidate")
    end
  end
  t.near(count / 400, 0.05, 0.03)
end)

t.it("takes the candidate out when it fails too often", function()
  t.target "openai/gpt-4o":says "stable"
  t.target "openai/gpt-5-mini":fails(500)
  t.target "lab/llama-70b":says "shadow"
  local lucky
  for i = 1, 400 do
    if t.post(t.ask "hi", with_key(i)).status == 500 then
      lucky = with_key(i)
      break
    end
  end
  local failed = 1
  for _ = 1, 300 do
    if t.post(t.ask "hi", lucky).status == 500 then failed = failed + 1 end
  end
  t.eq(failed, 200)
  t.eq(t.post(t.ask "hi", lucky).text, "stable")
  t.has(table.concat(t.logs(), "\n"), "the candidate is taken out")
end)

t.it("shows some requests to the shadow and does not wait for it", function()
  t.target "openai/gpt-4o":says "stable"
  t.target "openai/gpt-5-mini":says "candidate"
  t.target "lab/llama-70b":says("shadow", { after = "20s" })
  t.random(0.01)
  local r = t.post(t.ask "hi", with_key(1))
  t.eq(r.text, "stable")
  t.near(r.at, 0)
  t.eq(#r.calls, 2)
  t.random(0.5)
  t.eq(#t.post(t.ask "hi", with_key(1)).calls, 1)
end)

t.it("has at most eight shadows at once", function()
  t.target "openai/gpt-4o":says "stable"
  t.target "openai/gpt-5-mini":says "candidate"
  t.target "lab/llama-70b":says("shadow", { after = "20s" })
  local calls = 0
  for _ = 1, 20 do
    t.random(0)
    calls = calls + #t.post(t.ask "hi", with_key(1)).calls
  end
  t.eq(calls, 28)
  t.sleep "21s"
  t.random(0)
  t.eq(#t.post(t.ask "hi", with_key(1)).calls, 2)
end)
