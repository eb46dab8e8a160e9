-- Built from the inside out: ask, try again, judge, remember. What the cache keeps has passed the
-- guards, so what it gives needs no guard.
local s = require "headgate"

local ask = s.target "openai/gpt-4o-mini"
ask = s.retry(ask, { attempts = 3, backoff = { "200ms", "2s" } }) -- obeys Retry-After
ask = s.guard(ask, { input = { "pii", "jailbreak" }, output = { "toxicity" }, on_error = "deny" })
ask = s.cached(ask, { store = "redis", mode = "semantic", threshold = 0.95, ttl = "10m" })

return s.route { path = "/v1/chat/completions", handler = ask }
