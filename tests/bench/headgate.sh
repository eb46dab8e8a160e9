# Headgate with a bare route: the key is put in, usage is read, a record is written. One worker.
desc="headgate, default route, key injected, usage read, JSONL record"
headgate=${HEADGATE_BIN:-$(dirname "${BENCH_CONTENDERS:?}")/../build/headgate}
check() { [ -x "$headgate" ] || echo "not built: set HEADGATE_BIN or build into build/"; }
start() {
    cat > "$RUN/headgate.lua" <<CONF
listen "127.0.0.1:$PORT"
workers(1)
provider "openai" {
  plugin = "openai",
  base_url = "http://127.0.0.1:$UP_PORT/v1",
  api_key = "sk-bench-0123456789abcdef",
}
logger "access" { plugin = "jsonl", path = "$RUN/access.jsonl" }
CONF
    exec "$headgate" run -c "$RUN/headgate.lua" --run-dir "$RUN/run"
}
