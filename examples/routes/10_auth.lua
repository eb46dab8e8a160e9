-- Tokens of one's own, checked with an identity provider and remembered for a while by all workers.
local s = require "headgate"

local idp, seen = s.http "idp", s.shared "sessions"
local ask = s.target "openai/gpt-4o-mini"

local function auth(req)
  local token = (req.headers.authorization or ""):match "^Bearer (%S+)$"
  if not token then return s.deny(401, "no bearer token") end

  local user = seen:get(token)
  if not user then
    -- Looks as if it blocked; only this request waits.
    local r, err = idp:post("/introspect", { form = { token = token }, timeout = "2s" })
    if not r then return nil, err end
    local doc = r:json()
    if not doc.active then return s.deny(401, "token is not active") end
    user = doc.sub
    seen:set(token, user, "5m")
  end
  req.metadata.user = user
  return true
end

return s.route { path = "/v1/chat/completions", auth = auth, handler = ask }
