"""What an operator sees and does: health, metrics, reloads, crashes, the end."""

import json
import os
import resource
import signal
import threading
import time

import pytest

from support.client import Connection, Gone, ask, chat, request_bytes
from support.gateway import Lua
from support.upstream import DONE, chat_json, chunk_of, error_json, sse
from support.wait import wait_for

CHAT = "/v1/chat/completions"
HELLO = {"model": "up/m", "messages": [{"role": "user", "content": "Hello"}]}


class Held:
    """An upstream handler whose streams go on until release()."""

    def __init__(self):
        self.gate = threading.Event()
        self.started = 0

    def __call__(self, conn, request):
        conn.head(content_type="text/event-stream")
        conn.chunk(sse(chunk_of({"role": "assistant", "content": "a"})))
        self.started += 1
        assert self.gate.wait(40)
        for event in [sse(chunk_of({"content": "b"})), sse(chunk_of({}, "stop")), DONE]:
            conn.chunk(event)
        conn.end_chunks()

    def release(self):
        self.gate.set()


def open_streams(gate, held, count):
    clients = [Connection(gate.port, timeout=40) for _ in range(count)]
    for client in clients:
        client.send(request_bytes("POST", CHAT, {**HELLO, "stream": True}))
    for client in clients:
        client.head = client.read_head()
        assert b'"a"' in client.read_chunk()
    return clients


def rest_of(client):
    body = b""
    while chunk := client.read_chunk():
        body += chunk
    return body


# ---- what can be seen


def test_health_readiness_and_metrics_are_on_the_admin_port_only(gateway, upstream):
    gate = gateway(upstream())
    assert gate.admin("/healthz").status == 200
    assert gate.admin("/readyz").status == 200
    assert gate.admin("/nothing").status == 404
    for path in ("/metrics", "/healthz", "/readyz"):
        assert ask(gate.port, "GET", path).status == 404


def test_metrics_count_requests(gateway, upstream):
    gate = gateway(upstream())
    before = gate.metrics()
    for _ in range(5):
        chat(gate.port)
    ask(gate.port, "GET", "/nothing")

    def grown():
        after = gate.metrics()
        return [name for name in after if "request" in name
                and after[name] - before.get(name, 0) >= 5]

    wait_for(grown, "a counter of requests to have grown by 5")
    text = gate.admin("/metrics").body.decode()
    for line in text.splitlines():
        assert line.startswith("#") or line.rpartition(" ")[2] not in ("", "nan"), line


def test_metrics_ask_for_the_token_if_there_is_one(gateway, upstream):
    gate = gateway(upstream(), admin=False,
                   config='admin "127.0.0.1:0" { token = secret "ADMIN_TOKEN" }',
                   env={"ADMIN_TOKEN": "sk-canary-admin"})
    port = int(gate.wait_line(r"admin on http://[^ ]*:(\d+)").group(1))
    assert ask(port, "GET", "/healthz").status == 200
    assert ask(port, "GET", "/metrics").status == 401
    assert ask(port, "GET", "/metrics", headers={"Authorization": "Bearer wrong"}).status == 401
    good = ask(port, "GET", "/metrics", headers={"Authorization": "Bearer sk-canary-admin"})
    assert good.status == 200
    assert "sk-canary" not in gate.output()


def test_status_tells_the_processes(gateway, upstream):
    gate = gateway(upstream(), workers=2)
    state = gate.state()
    assert state["pid"] == gate.pid
    assert len(gate.processes("worker")) == 2
    assert len(gate.processes("control")) == 1
    text = gate.command("status")
    assert text.returncode == 0 and "worker" in text.stdout


# ---- records


def test_a_record_tells_the_story(gateway, upstream):
    gate = gateway(upstream())
    chat(gate.port)
    chat(gate.port, stream=True)
    records = gate.wait_records(2)
    for record in records:
        text = json.dumps(record)
        assert "up" in text and "m-1" in text and "200" in text


def test_records_hold_the_attempts(gateway, upstream):
    bad = upstream(lambda conn, request: conn.answer(error_json("no"), 503))
    good = upstream()
    gate = gateway(providers={"bad": bad.url, "good": good.url}, routes={
        "a.lua": 'local s = require "headgate" return s.route { path = "/v1/chat/completions", '
                 'handler = s.fallback { s.target "bad/m", s.target "good/n" } }'})
    assert chat(gate.port).status == 200
    record = gate.wait_records()[0]
    attempts = record["attempts"]
    assert isinstance(attempts, list) and len(attempts) == 2
    text = json.dumps(attempts)
    assert "bad" in text and "503" in text and "good" in text


def test_a_record_of_a_refused_request_is_written_too(gateway, upstream):
    gate = gateway(upstream())
    ask(gate.port, "POST", CHAT, b"nonsense")
    assert "400" in json.dumps(gate.wait_records()[0])


def test_secrets_never_appear_in_what_is_written(gateway, upstream):
    def echo(conn, request):
        key = request.header("authorization")
        if request.json().get("user") == "error":
            conn.answer(error_json(f"bad key {key}"), 401)
        elif request.json().get("user") == "break":
            conn.reset()
        else:
            conn.answer(chat_json())

    gate = gateway(upstream(echo), config='log_level "debug"')
    for user in ("fine", "error", "break"):
        answer = chat(gate.port, "canary-prompt-words", user=user,
                      headers={"Authorization": "Bearer sk-canary-client"})
        assert b"sk-canary" not in answer.body
    gate.wait_records(3)
    gate.command("status")
    written = gate.everything_written() + gate.admin("/metrics").body.decode()
    assert "sk-canary" not in written
    assert "canary-prompt-words" not in written


def test_a_full_disk_does_not_stop_the_traffic(gateway, upstream):
    gate = gateway(upstream(), log=False,
                   config='logger "access" { plugin = "jsonl", path = "/dev/full" }')
    for _ in range(20):
        assert chat(gate.port).status == 200
    wait_for(lambda: gate.find(r"(?i)no space|full|again"), "a line about the full disk", 15)
    assert chat(gate.port).status == 200
    assert gate.admin("/readyz").status == 200


def test_a_log_that_cannot_grow_for_a_while_gets_every_record_in_the_end(gateway, upstream):
    """The limit for the size of files makes a write stop in the middle of a line."""
    gate = gateway(upstream())
    for _ in range(5):
        assert chat(gate.port).status == 200
    gate.wait_records(5)
    size = gate.log_path.stat().st_size
    for pid in gate.processes("control"):
        resource.prlimit(pid, resource.RLIMIT_FSIZE, (size + 1000, resource.RLIM_INFINITY))
    for _ in range(30):
        assert chat(gate.port).status == 200
    for line in gate.log_path.read_bytes().split(b"\n")[:-1]:
        json.loads(line)
    [control] = gate.processes("control")
    resource.prlimit(control, resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY,) * 2)
    assert not gate.find("SIGXFSZ")
    records = gate.wait_records(35, 20)
    assert len(records) == 35


# ---- reloads


def test_a_reload_under_open_streams_drops_none(gateway, upstream):
    held = Held()
    up = upstream(lambda conn, request: held(conn, request) if request.json().get("stream")
                  else conn.answer(chat_json("old")))
    gate = gateway(up, workers=2)
    clients = open_streams(gate, held, 12)
    new = upstream(lambda conn, request: conn.answer(chat_json("new")))
    gate.write({"up": new.url})
    result = gate.reload()
    assert result.returncode == 0, result.stdout + result.stderr

    def is_new():
        return chat(gate.port).json()["choices"][0]["message"]["content"] == "new"

    wait_for(is_new, "the new configuration to serve")
    held.release()
    for client in clients:
        body = rest_of(client)
        assert b'"b"' in body and body.endswith(DONE)
        client.close()
    wait_for(lambda: len(gate.processes("worker")) == 2, "the old workers to have gone")


def test_no_request_fails_during_reloads(gateway, upstream):
    up = upstream()
    gate = gateway(up, workers=2)
    statuses, stop = [], threading.Event()

    def ask_on():
        while not stop.is_set():
            try:
                statuses.append(chat(gate.port).status)
            except (Gone, OSError) as failure:
                statuses.append(repr(failure))

    threads = [threading.Thread(target=ask_on) for _ in range(3)]
    for thread in threads:
        thread.start()
    try:
        for _ in range(5):
            assert gate.reload().returncode == 0
    finally:
        stop.set()
        for thread in threads:
            thread.join()
    assert statuses and set(statuses) == {200}


@pytest.mark.parametrize("broken", [
    'listen "127.0.0.1:0"\nprovidre "up" {}', "", "return {{{",
    'listen "127.0.0.1:0"\nprovider "up" { plugin = "no" }',
    'listen "127.0.0.1:0"\nprovider "up" { plugin = "openai", api_key = secret "UNSET" }',
    "while true do end", "x = ('a'):rep(1e9)",
])
def test_a_bad_reload_changes_nothing(gateway, upstream, broken):
    gate = gateway(upstream())
    before = gate.processes("worker")
    (gate.folder / "headgate.lua").write_text(broken)
    result = gate.reload()
    assert result.returncode != 0
    reason = (result.stdout + result.stderr).strip()
    assert reason and "Traceback" not in reason
    assert chat(gate.port).status == 200
    assert gate.processes("worker") == before


def test_sighup_reloads_too(gateway, upstream):
    gate = gateway(upstream())
    new = upstream(lambda conn, request: conn.answer(chat_json("new")))
    gate.write({"up": new.url})
    gate.signal(signal.SIGHUP)
    wait_for(lambda: chat(gate.port).json()["choices"][0]["message"]["content"] == "new",
             "the new configuration")


def test_check_says_what_is_wrong_without_starting(gateway, upstream, headgate, tmp_path):
    import subprocess

    path = tmp_path / "bad.lua"
    path.write_text('listen "127.0.0.1:0"\nprovidr "x" { plugin = "openai" }\n')
    result = subprocess.run([headgate, "check", "-c", path], capture_output=True, text=True)
    assert result.returncode != 0
    assert ":2" in result.stderr and "provider" in result.stderr


# ---- crashes


def test_a_killed_worker_is_replaced_and_loses_no_finished_record(gateway, upstream):
    gate = gateway(upstream(), workers=2)
    answered = 0
    for round_ in range(3):
        for _ in range(20):
            assert chat(gate.port).status == 200
            answered += 1
        os.kill(gate.processes("worker")[0], signal.SIGKILL)
        wait_for(lambda: len(gate.processes("worker")) == 2 and gate.admin("/readyz").status == 200,
                 "the worker to be replaced", 20)
    records = gate.wait_records(answered, 20)
    assert len(records) == answered
    assert len({json.dumps(record) for record in records}) == answered


def test_a_killed_control_process_is_replaced(gateway, upstream):
    gate = gateway(upstream())
    assert chat(gate.port).status == 200
    gate.wait_records(1)
    os.kill(gate.processes("control")[0], signal.SIGKILL)
    assert chat(gate.port).status == 200
    wait_for(lambda: len(gate.records()) >= 2, "the record after the crash", 20)


def test_only_the_streams_of_the_killed_worker_break(gateway, upstream):
    held = Held()
    gate = gateway(upstream(held), workers=2)
    # So many that no worker may have taken all of them.
    clients = open_streams(gate, held, 60)
    os.kill(gate.processes("worker")[0], signal.SIGKILL)
    wait_for(lambda: len(gate.processes("worker")) == 2, "the worker to be replaced", 20)
    held.release()
    whole = 0
    for client in clients:
        try:
            whole += rest_of(client).endswith(DONE)
        except (Gone, OSError, ValueError):
            pass
        client.close()
    assert 0 < whole < 60


# ---- the end


def test_sigterm_lets_open_streams_finish(gateway, upstream):
    held = Held()
    gate = gateway(upstream(held))
    clients = open_streams(gate, held, 3)
    gate.signal(signal.SIGTERM)
    wait_for(lambda: gate.find("stopping"), "the word that it stops")
    held.release()
    for client in clients:
        assert rest_of(client).endswith(DONE)
        client.close()
    assert gate.wait() == 0
    assert len(gate.records()) == 3


def test_the_drain_has_an_end(gateway, upstream):
    held = Held()
    gate = gateway(upstream(held), config='drain_timeout "300ms"')
    clients = open_streams(gate, held, 2)
    began = time.monotonic()
    gate.signal(signal.SIGTERM)
    assert gate.wait(20) == 0
    assert time.monotonic() - began < 15
    held.release()
    for client in clients:
        client.close()
    assert len(gate.records()) == 2


def test_new_connections_are_refused_while_it_stops(gateway, upstream):
    held = Held()
    gate = gateway(upstream(held))
    clients = open_streams(gate, held, 1)
    gate.signal(signal.SIGTERM)
    wait_for(lambda: gate.find("stopping"), "the word that it stops")

    def is_refused():
        try:
            with Connection(gate.port, timeout=1) as client:
                return client.is_closed(0.2)
        except OSError:
            return True

    wait_for(is_refused, "new connections to be refused")
    held.release()
    assert rest_of(clients[0]).endswith(DONE)
    assert gate.wait() == 0


def test_stop_and_the_second_start_use_the_same_folder(gateway, upstream):
    gate = gateway(upstream())
    again = gate.command("status")
    assert again.returncode == 0
    assert gate.command("stop").returncode == 0
    assert gate.wait() == 0
    assert gate.command("status").returncode != 0


def test_two_gateways_do_not_share_a_run_folder(gateway, upstream, headgate):
    import subprocess

    gate = gateway(upstream())
    second = subprocess.run([headgate, "run", "-c", gate.folder / "headgate.lua", "--run-dir",
                             gate.run_dir], capture_output=True, text=True, timeout=20,
                            env={**os.environ, **gate.env})
    assert second.returncode != 0
    assert str(gate.pid) in second.stderr or "runn" in second.stderr
    assert chat(gate.port).status == 200


# ---- starting


@pytest.mark.parametrize("config, words", [
    ('providr "x" { plugin = "openai" }', "provider"),
    ('provider "x" { plugin = "opnai" }', "openai"),
    ('provider "x" { plugin = "openai", api_kee = "x" }', "api_key"),
    ('limits { max_bodi = "1MB" }', "max_body"),
    ('limits { max_body = "lots" }', "max_body"),
    ('logger "l" { plugin = "jsonl" }', "path"),
])
def test_a_wrong_configuration_is_one_line_with_file_line_and_suggestion(
        gateway, upstream, config, words):
    gate = gateway(upstream(), config=config, log=False, wait=False)
    gate.may_fail = True
    assert gate.wait() != 0
    assert words in gate.output()
    assert "headgate.lua:" in gate.output()


def test_a_missing_secret_is_named_and_never_shown(gateway, upstream):
    gate = gateway(providers={"x": {"base_url": "http://127.0.0.1:1/v1",
                                    "api_key": Lua('secret "NOT_SET_ANYWHERE"')}}, wait=False)
    gate.may_fail = True
    assert gate.wait() != 0
    assert "NOT_SET_ANYWHERE" in gate.output()


def test_a_taken_port_is_told(gateway, upstream):
    import socket

    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        gate = gateway(upstream(), listen=f"127.0.0.1:{port}", wait=False)
        gate.may_fail = True
        assert gate.wait() != 0
        assert str(port) in gate.output()


def test_without_a_configuration_it_says_how_to_make_one(headgate, tmp_path):
    import subprocess

    result = subprocess.run([headgate, "run", "--run-dir", tmp_path / "run"], cwd=tmp_path,
                            capture_output=True, text=True, timeout=20)
    assert result.returncode != 0
    assert "headgate.lua" in result.stderr


