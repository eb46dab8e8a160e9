local t = require "headgate.test"

t.it("gives each half of the users its arm and tags the request", function()
  t.target "openai/gpt-4o":says "control"
  t.target "anthropic/claude-sonnet-4":says "treatment"
  local count = 0
  for i = 1, 500 do
    local o = { metadata = { user = "user " .. i } }
    local r = t.post(t.ask "hi", o)
    t.eq(r.tags["exp-42"], r.text)
    t.eq(t.post(t.ask "again", o).text, r.text)
    if r.text == "control" then count = count + 1 end
  end
  t.near(count / 500, 0.5, 0.07)
end)
