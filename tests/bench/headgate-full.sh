# Headgate with everything a careful route has: fallback in Lua, a cache look-up that misses, a
# regex guard, and the JSONL record. One worker.
desc="headgate, Lua fallback route, memory cache (miss), regex guard, JSONL record"
headgate=${HEADGATE_BIN:-$(dirname "${BENCH_CONTENDERS:?}")/../build/headgate}
check() { [ -x "$headgate" ] || echo "not built: set HEADGATE_BIN or build into build/"; }
start() {
    mkdir -p "$RUN/routes"
    cat > "$RUN/headgate.lua" <<CONF
listen "127.0.0.1:$PORT"
workers(1)
provider "openai" { plugin = "openai", base_url = "http://127.0.0.1:$UP_PORT/v1", api_key = "sk-bench-a" }
provider "second" { plugin = "openai", base_url = "http://127.0.0.1:$UP_PORT/v1", api_key = "sk-bench-b" }
cache "memory" { plugin = "memory", max_size = "64MB" }
guard "words" { plugin = "regex", deny = { "(?i)do not answer this", "\\\\bxyzzy\\\\b" } }
logger "access" { plugin = "jsonl", path = "$RUN/access.jsonl" }
routes "routes/*.lua"
CONF
    cat > "$RUN/routes/chat.lua" <<'CONF'
local s = require "headgate"
local ask = s.fallback { s.target "openai", s.target "second" }
ask = s.cached(ask, { store = "memory", ttl = "1us", wait = false })
return s.route { path = "/v1/...", handler = s.guard(ask, { input = { "words" } }) }
CONF
    exec "$headgate" run -c "$RUN/headgate.lua" --run-dir "$RUN/run"
}
