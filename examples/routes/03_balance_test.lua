local t = require "headgate.test"

local function share(n, o)
  local count = 0
  for i = 1, n do
    if t.post(t.ask "hi", o and o(i)).provider == "openai-a" then count = count + 1 end
  end
  return count / n
end

t.it("shares by weight", function()
  t.target "openai-a/gpt-4o":says "a"
  t.target "openai-b/gpt-4o":says "b"
  t.near(share(1000), 0.7, 0.05)
end)

t.it("keeps a session where it was", function()
  t.target "openai-a/gpt-4o":says "a"
  t.target "openai-b/gpt-4o":says "b"
  local function session(name)
    return function() return { metadata = { session = name } } end
  end
  for i = 1, 20 do
    local a = share(5, session("session " .. i))
    t.ok(a == 0 or a == 1, "a session was moved")
  end
  t.near(share(1000, function(i) return { metadata = { session = "s" .. i } } end), 0.7, 0.05)
end)

t.it("lets one that fails rest, and takes it back", function()
  t.target "openai-a/gpt-4o":fails(500)
  t.target "openai-b/gpt-4o":says "b"
  local o = { metadata = { session = "mine" } }
  local failed = 0
  for _ = 1, 40 do
    if t.post(t.ask "hi").status == 500 then failed = failed + 1 end
  end
  t.eq(failed, 5)
  t.eq(t.post(t.ask "hi", o).provider, "openai-b")

  t.sleep "21s"
  t.random(0)
  t.eq(t.post(t.ask "hi").status, 500)
end)

t.it("uses those that rest when there is no other", function()
  t.target "openai-a/gpt-4o":fails(500)
  t.target "openai-b/gpt-4o":fails(500)
  for _ = 1, 30 do t.eq(t.post(t.ask "hi").status, 500) end
end)
