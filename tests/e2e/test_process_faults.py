"""The processes when something goes wrong: workers that die again and again, and a system that has
nothing left. For plugins that misbehave see test_plugins.py."""

import os
import re
import resource
import signal
import subprocess

from support.client import Connection, chat, request_bytes
from support.places import HEADGATE
from support.wait import wait_for

CHAT = "/v1/chat/completions"
HELLO = {"model": "up/m", "messages": [{"role": "user", "content": "Hello"}]}

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
            if head.status == 503:
                refused = head
                break
        assert refused, "nobody was turned away"
    finally:
        for client in held:
            client.close()
    wait_for(lambda: chat(gate.port).status == 200, "room for a client again")


def test_closed_standard_descriptors_never_get_what_is_printed(gateway, upstream, tmp_path):
    """With 0 to 2 closed, the first sockets would get these numbers."""
    gate = gateway(upstream())
    assert gate.stop() == 0
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


# ---- what holds for all of them


def test_connections_are_spread_over_the_workers(gateway, upstream):
    gate = gateway(upstream(), workers=4)
    clients = []
    try:
        for _ in range(200):
            clients.append(Connection(gate.port))
            assert clients[-1].request("POST", CHAT, HELLO).status == 200
        shares = [sockets_to(pid, gate.port) for pid in gate.processes()]
        assert sum(shares) == 200
        assert min(shares) >= 5 and max(shares) <= 75, shares  # a quarter above the mean, and a little
    finally:
        for client in clients:
            client.close()


def sockets_to(pid, port):
    """How many connections of its clients a process holds."""
    established = set()
    for line in open(f"/proc/{pid}/net/tcp").readlines()[1:]:
        fields = line.split()
        if fields[3] == "01" and int(fields[1].rpartition(":")[2], 16) == port:
            established.add(f"socket:[{fields[9]}]")
    held = [os.readlink(entry.path) for entry in os.scandir(f"/proc/{pid}/fd")]
    return sum(name in established for name in held)


def test_counters_outlive_the_worker_that_counted(gateway, upstream):
    gate = gateway(upstream())

    def counted():
        return sum(value for name, value in gate.metrics().items()
                   if name.startswith("headgate_requests_total"))

    for _ in range(10):
        assert chat(gate.port).status == 200
    wait_for(lambda: counted() == 10, "ten requests to be counted")
    [worker] = gate.processes()
    os.kill(worker, signal.SIGKILL)
    wait_for(lambda: gate.processes() and gate.processes() != [worker] and gate.is_ready(),
             "another worker", 20)
    assert counted() == 10
    assert chat(gate.port).status == 200
    wait_for(lambda: counted() == 11, "the eleventh to be added")


def test_the_limit_of_descriptors_is_raised_as_far_as_it_goes(gateway, upstream):
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    most = min(hard, 4096) if hard > 0 else 4096
    gate = gateway(upstream(),
                   preexec=lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (64, most)))
    for pid in [gate.pid, *gate.processes(), *gate.processes("control")]:
        assert resource.prlimit(pid, resource.RLIMIT_NOFILE) == (most, most)
