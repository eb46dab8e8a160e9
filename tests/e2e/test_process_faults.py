"""The processes when something goes wrong: plugins that crash or hang, workers that die again and
again, and a system that has nothing left."""

import os
import re
import resource
import signal
import subprocess
import time

import pytest

from support.client import Connection, ask, chat, request_bytes
from support.places import HEADGATE, ROOT
from support.upstream import chat_json, chunk_of, sse
from support.wait import wait_for

GUARDED = {
    "guarded.lua": """
local s = require "headgate"
return s.route {
  path = "/v1/chat/completions",
  handler = s.guard(s.target "up", { input = { "odd" } }),
}
"""
}


@pytest.fixture(scope="session")
def misbehave(tmp_path_factory):
    """The folder of a guard that crashes and hangs when it is asked to."""
    folder = tmp_path_factory.mktemp("plugins")
    subprocess.run(
        ["cc", "-shared", "-fPIC", "-fvisibility=hidden", "-D_GNU_SOURCE", "-I",
         ROOT / "sdk" / "include", "-o", folder / "guard_misbehave.so",
         ROOT / "tests" / "support" / "misbehave.c"],
        check=True,
    )
    return folder


def guarded(gateway, upstream, folder, **more):
    config = f'plugin_path "{folder}"\nguard "odd" {{ plugin = "misbehave" }}\n'
    return gateway(upstream(), config=config + more.pop("config", ""), routes=GUARDED, **more)


def worker_pids(gate):
    return set(gate.processes("worker"))


# ---- plugins


def test_a_crash_names_the_plugin_and_costs_one_worker(gateway, upstream, misbehave):
    gate = guarded(gateway, upstream, misbehave, workers=2)
    before = worker_pids(gate)
    assert chat(gate.port, "all is well").status == 200
    with Connection(gate.port) as client:
        client.send(request_bytes("POST", "/v1/chat/completions",
                                  {"model": "m", "messages": [{"role": "user", "content": "please crash"}]}))
        client.wait_closed()
    line = gate.wait_line(r"worker \d (died|ended).*in plugin guard 'odd'/check").group(0)
    assert "1st time in 60 s" in gate.output(), line
    wait_for(lambda: len(worker_pids(gate)) == 2 and gate.is_ready(), "a new worker")
    assert len(before & worker_pids(gate)) == 1
    assert chat(gate.port, "all is well again").status == 200
    [restarts] = [v for k, v in gate.metrics().items() if k == "headgate_worker_restarts_total"]
    assert restarts == 1


@pytest.mark.seconds(90)
def test_a_worker_that_hangs_is_aborted_and_replaced(gateway, upstream, misbehave):
    gate = guarded(gateway, upstream, misbehave)
    [before] = worker_pids(gate)
    with Connection(gate.port, timeout=40) as client:
        client.send(request_bytes("POST", "/v1/chat/completions",
                                  {"model": "m", "messages": [{"role": "user", "content": "please hang"}]}))
        gate.wait_line(r"worker 1 \(pid \d+\) has been silent for 1\d s: aborting it", 25)
        gate.wait_line(r"worker 1 (died \(SIGABRT|ended).*in plugin guard 'odd'/check", 10)
    wait_for(lambda: worker_pids(gate) and gate.is_ready(), "a new worker")
    assert before not in worker_pids(gate)
    assert chat(gate.port, "all is well").status == 200


def test_an_answer_given_twice_is_ignored(gateway, upstream, misbehave):
    gate = guarded(gateway, upstream, misbehave)
    [before] = worker_pids(gate)
    for _ in range(3):
        assert chat(gate.port, "please answer twice").status == 200
    assert worker_pids(gate) == {before}
    misuse = [v for k, v in gate.metrics().items() if k.startswith("headgate_plugin_misuse_total")]
    assert sum(misuse) >= 3


# ---- dying again and again


def test_each_further_death_costs_a_longer_wait(gateway, upstream):
    gate = gateway(upstream())
    for times in ("1st", "2nd", "3rd"):
        [pid] = wait_for(lambda: gate.processes("worker"), "a worker")
        wait_for(lambda: all(c["state"] == "ready" for c in gate.state()["processes"]), "readiness")
        os.kill(pid, signal.SIGKILL)
        gate.wait_line(rf"worker 1 died \(SIGKILL\); {times} time in 60 s")
        wait_for(lambda: gate.processes("worker") not in ([], [pid]), "the next one")
    waits = re.findall(r"starting again in ([\d.]+) s", gate.output())
    assert waits == ["0.1", "0.2", "0.4"]


def test_workers_end_when_their_supervisor_is_killed(gateway, upstream):
    gate = gateway(upstream(), workers=2)
    gate.may_fail = True
    assert chat(gate.port).status == 200
    pids = [child["pid"] for child in gate.state()["processes"]]
    gate.signal(signal.SIGKILL)
    gate.process.wait(10)
    wait_for(lambda: not any(os.path.exists(f"/proc/{pid}") for pid in pids), "all to be gone")
    assert len(gate.records()) == 1
    assert "no gateway runs" in gate.command("status").stderr


# ---- nothing left


def test_without_descriptors_a_client_is_told_and_not_left_hanging(gateway, upstream):
    gate = gateway(upstream(), preexec=lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (40, 40)))
    assert gate.find(r"only 40 open files are allowed")
    held, refused = [], None
    try:
        for _ in range(60):
            client = Connection(gate.port, timeout=5)
            held.append(client)
            client.send(request_bytes("GET", "/nowhere"))
            head = client.read_head()
            if b"503" in head.start.encode() if isinstance(head.start, str) else b"503" in head.start:
                refused = head
                break
        assert refused, "nobody was turned away"
    finally:
        for client in held:
            client.close()
    wait_for(lambda: chat(gate.port).status == 200, "room for a client again")


def test_closed_standard_descriptors_never_get_what_is_printed(gateway, upstream, tmp_path):
    """With 0 to 2 closed, the first sockets would get these numbers."""
    gate = gateway(upstream(), wait=False)
    gate.stop()
    process = subprocess.Popen(
        ["sh", "-c", 'exec "$0" "$@" <&- >&- 2>&-', HEADGATE, "run", "-c",
         gate.folder / "headgate.lua", "--run-dir", gate.run_dir],
        env={**os.environ, **gate.env},
    )
    try:
        wait_for(lambda: gate.command("status").returncode == 0
                 and gate.state()["phase"] == "running", "the gateway to run")
        port = int(gate.state()["listeners"][0]["address"].rpartition(":")[2])
        assert chat(port).status == 200
    finally:
        assert gate.command("stop").returncode == 0
        assert process.wait(10) == 0


def test_a_worker_that_cannot_serve_ends_the_start_with_its_reason(gateway, upstream, tmp_path):
    gate = gateway(upstream(), wait=False,
                   config=f'logger "bad" {{ plugin = "jsonl", path = "{tmp_path}/no/such/folder/x" }}')
    gate.may_fail = True
    assert gate.wait() == 1
    assert "no/such/folder" in gate.output()
    assert not (gate.run_dir / "pid").exists()
