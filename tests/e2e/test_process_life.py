"""The life of a gateway: reloads that overlap, both ways to stop, and what the commands say."""

import json
import os
import signal
import subprocess
import threading

import pytest

from support.client import Connection, Gone, ask, chat, request_bytes
from support.places import HEADGATE
from support.upstream import DONE, chunk_of, sse, tells_of_failure
from support.wait import wait_for

CHAT = "/v1/chat/completions"
HELLO = {"model": "up/m", "messages": [{"role": "user", "content": "Hello"}]}
STREAM = {"model": "up/m", "stream": True, "messages": [{"role": "user", "content": "Hello"}]}


class Held:
    """An upstream whose streams go on until they are released."""

    def __init__(self):
        self.gate = threading.Event()

    def __call__(self, conn, request):
        conn.head(content_type="text/event-stream")
        conn.chunk(sse(chunk_of({"role": "assistant", "content": "a"})))
        if not self.gate.wait(50):
            return
        for event in [sse(chunk_of({}, "stop")), DONE]:
            try:
                conn.chunk(event)
            except OSError:
                return
        conn.end_chunks()


def open_stream(gate, port=None):
    client = Connection(port or gate.port, timeout=40)
    client.send(request_bytes("POST", CHAT, STREAM))
    client.read_head()
    assert b'"a"' in client.read_chunk()
    return client


def rest_of(client):
    """What still comes, whether the stream ends properly or is cut."""
    body = b""
    try:
        while chunk := client.read_chunk():
            body += chunk
    except Gone as cut:
        body += cut.so_far
    return body


def run(*words, **more):
    return subprocess.run([HEADGATE, *words], capture_output=True, text=True, timeout=30, **more)


# ---- generations


@pytest.mark.seconds(120)
def test_at_most_two_generations_drain_and_the_oldest_is_cut_with_an_error(gateway, upstream):
    held = Held()
    gate = gateway(upstream(held))
    clients = [open_stream(gate)]
    for _ in range(3):
        assert gate.reload().returncode == 0
        clients.append(open_stream(gate))
    gate.wait_line(r"generation 1 still drains after 2 reloads: cutting it")
    end = rest_of(clients[0])
    assert tells_of_failure(end)
    held.gate.set()
    for client in clients[1:]:
        assert rest_of(client).endswith(DONE)
        client.close()
    wait_for(lambda: {c["generation"] for c in gate.state()["processes"]} == {4}, "old ones to go")


def test_a_reload_may_change_the_number_of_workers_and_the_addresses(gateway, upstream):
    up = upstream()
    gate = gateway(up)
    gate.settings["workers"] = 3
    gate.write({"up": up.url}, 'listen "127.0.0.1:0"')
    assert gate.reload().returncode == 0
    state = gate.state()
    assert len([c for c in state["processes"] if c["kind"] == "worker" and c["generation"] == 2]) == 3
    assert gate.find(r"listening on .*:%d$" % gate.port)
    ports = [int(one["address"].rpartition(":")[2]) for one in state["listeners"]]
    assert ports[0] == gate.port and len(ports) == 2
    for port in ports:
        assert chat(port).status == 200
    gate.write({"up": up.url})
    assert gate.reload().returncode == 0
    wait_for(lambda: refuses(ports[1]), "the second address to close")
    assert chat(gate.port).status == 200


def test_an_address_that_goes_is_closed_while_its_streams_go_on(gateway, upstream):
    held = Held()
    up = upstream(held)
    gate = gateway(up)
    gate.write({"up": up.url}, 'listen "127.0.0.1:0"')
    assert gate.reload().returncode == 0
    port = int(gate.state()["listeners"][1]["address"].rpartition(":")[2])
    with open_stream(gate, port) as client:
        gate.write({"up": up.url})
        assert gate.reload().returncode == 0
        wait_for(lambda: refuses(port), "the address to close")
        assert 2 in {child["generation"] for child in gate.state()["processes"]}
        held.gate.set()
        assert rest_of(client).endswith(DONE)


def refuses(port):
    try:
        Connection(port, timeout=2).close()
    except OSError:
        return True
    return False


def burst(gate, count):
    """Has so many records written while nobody reads the rings."""
    [control] = gate.processes("control")
    os.kill(control, signal.SIGSTOP)
    try:
        with Connection(gate.port) as client:
            for _ in range(count):
                assert client.request("POST", CHAT, HELLO).status == 200
    finally:
        os.kill(control, signal.SIGCONT)


def test_a_reload_takes_a_new_ring_size_over_and_loses_no_record(gateway, upstream):
    up = upstream()
    gate = gateway(up, config='ring_size "64KB"')
    burst(gate, 300)
    dropped = "headgate_log_ring_dropped_total"
    wait_for(lambda: gate.metrics()[dropped] > 0, "the small ring to overflow")
    lost = gate.metrics()[dropped]
    gate.wait_records(300 - lost)
    gate.write({"up": up.url}, 'ring_size "4MB"')
    assert gate.reload().returncode == 0
    burst(gate, 300)
    gate.wait_records(600 - lost)
    assert gate.metrics()[dropped] == lost
    gate.write({"up": up.url}, 'ring_size "64KB"')
    burst(gate, 100)
    assert gate.reload().returncode == 0
    assert len(gate.wait_records(700 - lost)) == 700 - lost


def test_a_reload_that_changes_what_all_share_is_refused(gateway, upstream):
    up = upstream()
    gate = gateway(up)
    gate.write({"up": up.url}, 'shared_size "64MB"')
    refused = gate.reload()
    assert refused.returncode != 0 and "restart" in refused.stderr
    assert "shared_size cannot change" in refused.stderr and chat(gate.port).status == 200
    gate.write({"up": up.url})
    assert gate.reload().returncode == 0


def test_two_reloads_at_once_both_happen(gateway, upstream):
    gate = gateway(upstream())
    results = []
    threads = [threading.Thread(target=lambda: results.append(gate.reload())) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [result.returncode for result in results] == [0, 0]
    assert chat(gate.port).status == 200


def test_a_refused_reload_is_told_by_status_and_metrics(gateway, upstream):
    gate = gateway(upstream())
    (gate.folder / "headgate.lua").write_text('listen "127.0.0.1:0"\nprovder "x" {}\n')
    result = gate.reload()
    assert result.returncode == 1
    assert "headgate.lua:2: " in result.stderr and "provider" in result.stderr
    assert result.stderr.count("\n") == 1
    assert "the last reload was refused" in gate.command("status").stdout
    assert gate.metrics()["headgate_reloads_failed_total"] == 1
    assert gate.metrics()["headgate_generation"] == 1


# ---- the end


def test_sigquit_cuts_streams_at_once_and_honestly(gateway, upstream):
    gate = gateway(upstream(Held()))
    client = open_stream(gate)
    gate.signal(signal.SIGQUIT)
    assert tells_of_failure(rest_of(client))
    assert gate.wait(8) == 0
    [record] = gate.records()
    assert record["outcome"] != "ok"


def test_stop_now_does_the_same(gateway, upstream):
    gate = gateway(upstream(Held()))
    client = open_stream(gate)
    result = gate.command("stop", "--now")
    assert result.returncode == 0 and "stopped" in result.stdout
    assert tells_of_failure(rest_of(client))
    assert gate.wait() == 0


def test_stop_gives_up_waiting_when_it_is_told_to(gateway, upstream):
    gate = gateway(upstream(Held()))
    client = open_stream(gate)
    result = gate.command("stop", "--timeout", "300ms")
    assert result.returncode == 1 and "--now" in result.stderr
    assert gate.state()["phase"] == "stopping"
    assert ask(gate.admin_port, "GET", "/readyz").status == 503
    assert ask(gate.admin_port, "GET", "/healthz").status == 200
    gate.signal(signal.SIGQUIT)
    assert gate.wait(8) == 0
    client.close()


def test_the_second_interrupt_means_now(gateway, upstream):
    gate = gateway(upstream(Held()))
    client = open_stream(gate)
    gate.signal(signal.SIGINT)
    gate.wait_line("stopping: open requests have up to")
    gate.signal(signal.SIGINT)
    assert gate.wait(8) == 0
    client.close()


def test_records_are_delivered_before_the_end(gateway, upstream):
    gate = gateway(upstream(), workers=2)
    for _ in range(40):
        assert chat(gate.port).status == 200
    gate.signal(signal.SIGTERM)
    assert gate.wait() == 0
    assert len(gate.records()) == 40


def test_sigusr1_has_loggers_open_their_files_again(gateway, upstream):
    gate = gateway(upstream())
    assert chat(gate.port).status == 200
    gate.wait_records(1)
    moved = gate.log_path.with_suffix(".old")
    gate.log_path.rename(moved)
    gate.signal(signal.SIGUSR1)
    wait_for(lambda: gate.log_path.exists(), "a new file")
    assert chat(gate.port).status == 200
    assert len(gate.wait_records(1)) == 1
    assert len(moved.read_text().splitlines()) == 1


# ---- commands


def test_status_shows_streams_and_restarts(gateway, upstream):
    held = Held()
    gate = gateway(upstream(held))
    os.kill(gate.processes("worker")[0], signal.SIGKILL)
    gate.wait_line("starting again")
    wait_for(gate.is_ready, "the next worker")
    client = open_stream(gate)
    [worker] = [c for c in gate.state()["processes"] if c["kind"] == "worker"]
    assert (worker["streams"], worker["restarts"], worker["state"]) == (1, 1, "ready")
    text = gate.command("status").stdout
    assert f"listening on http://127.0.0.1:{gate.port}" in text
    assert "worker 1" in text and "control" in text
    held.gate.set()
    rest_of(client)


def test_commands_without_a_gateway_say_what_to_do(tmp_path):
    for command in ("status", "reload", "stop"):
        result = run(command, "--run-dir", tmp_path / "nothing")
        assert result.returncode == 1
        assert "headgate run" in result.stderr and result.stdout == ""


def test_every_command_has_help():
    listed = run("--help").stdout
    for command in "run check reload stop status test simulate plugin version".split():
        assert f"\n  {command} " in listed
        result = run(command, "--help")
        assert result.returncode == 0, result.stderr
        assert f"usage: headgate {command}" in result.stdout


@pytest.mark.parametrize("words, meant", [
    (["statsu"], "status"),
    (["run", "--confg", "x"], "--config"),
    (["stop", "--nwo"], "--now"),
])
def test_what_is_misspelt_gets_a_suggestion(words, meant):
    result = run(*words)
    assert result.returncode == 2
    assert f"did you mean {meant}" in result.stderr.replace("'", "")


def test_no_command_is_a_usage_error():
    result = run()
    assert result.returncode == 2 and "usage: headgate COMMAND" in result.stderr


def test_check_counts_what_there_is(gateway, upstream, tmp_path):
    gate = gateway(upstream())
    result = run("check", "-c", gate.folder / "headgate.lua", env={**os.environ, **gate.env})
    assert result.returncode == 0, result.stderr
    assert result.stdout == "ok: 1 provider, 1 logger\n"


def test_the_state_is_one_document(gateway, upstream):
    state = json.loads(gateway(upstream()).command("status", "--json").stdout)
    assert state["phase"] == "running" and state["generation"] == 1
    assert state["changes"]["ok"] is True
