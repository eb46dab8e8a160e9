-- s.canary { stable =, candidate =, percent = 5, by = fun, abort = { error_rate =, over =, within = } }
local host = require "headgate.host"
local core = require "headgate.core"
local log = require "headgate.log"

local bucket = host.bucket

-- When the candidate fails too often it gets nothing any more, in no worker, until `rest` is over.
local function aborter(o, id)
  core.options(o, "s.canary: abort", { "error_rate", "over", "within", "rest", "on" })
  local rate = core.number(o.error_rate, "s.canary: abort.error_rate", 0, 1)
  local over = core.number(o.over, "s.canary: abort.over", 1, 1e9, 100)
  local within = core.seconds(o.within, "s.canary: abort.within", 300)
  local rest = core.seconds(o.rest, "s.canary: abort.rest", 86400)
  local on = core.on(o.on, "s.canary: abort.on")
  local calls, errors, aborted = id .. ":calls", id .. ":errors", id .. ":aborted"

  local function is_aborted()
    return core.shared():get(aborted) ~= nil
  end
  local function note(resp, err)
    local map = core.shared()
    local n = map:incr(calls, 1, within)
    local failed = (not resp and on(err)) and map:incr(errors, 1, within) or map:get(errors) or 0
    if n >= over and failed / n > rate and not map:get(aborted) then
      map:set(aborted, "1", rest)
      log.warn("canary %s: %d of %d calls failed; the candidate is taken out", id, failed, n)
    end
  end
  return is_aborted, note
end

return function(o)
  core.options(o, "s.canary", { "stable", "candidate", "percent", "by", "abort" })
  local stable = core.handler(o.stable, "s.canary: stable")
  local candidate = core.handler(o.candidate, "s.canary: candidate")
  local share = core.number(o.percent, "s.canary: percent", 0, 100) / 100
  local by = core.optional_function(o.by, "s.canary: by")
  local id = core.id "canary"
  local is_aborted, note
  if o.abort then is_aborted, note = aborter(o.abort, id) end

  return core.made(function(req, options)
    local key = by and by(req) or req.id
    if bucket(id, tostring(key)) >= share or (is_aborted and is_aborted()) then
      req:tag("canary", "stable")
      return stable(req, options)
    end
    req:tag("canary", "candidate")
    local resp, err = candidate(req, options)
    if note then note(resp, err) end
    return resp, err
  end)
end
