"""A plugin that misbehaves: what it costs, and who is named."""

import shutil
import subprocess

import pytest

from support.client import Gone, chat
from support.compile import compiled
from support.places import ROOT, plugins
from support.wait import wait_for

ROUTE = {"a.lua": 'local s = require "headgate" return s.route { path = "/v1/chat/completions", '
                  'handler = s.guard(s.target "up/m", { input = { "wild" }, on_error = "deny" }) }'}


@pytest.fixture(scope="session")
def unruly(tmp_path_factory):
    return compiled(tmp_path_factory.mktemp("plugins"), "guard_unruly")


@pytest.fixture
def gate(gateway, upstream, unruly):
    one = gateway(upstream(), workers=2, routes=ROUTE, plugin_path=unruly,
                  config='guard "wild" { plugin = "unruly" }')
    one.may_crash = True
    return one


def ends(gate, words):
    with pytest.raises((Gone, OSError)):
        chat(gate.port, words, timeout=40)


@pytest.mark.parametrize("words", ["please crash", "please abort"])
def test_a_crash_costs_one_worker_and_names_the_plugin(gate, words):
    assert chat(gate.port).status == 200
    before = set(gate.processes("worker"))
    ends(gate, words)
    wait_for(lambda: len(gate.processes("worker")) == 2 and
             set(gate.processes("worker")) != before, "the worker to be replaced", 20)
    assert len(before & set(gate.processes("worker"))) == 1
    gate.wait_line(r"guard 'wild'.*check|wild/check|plugin .*wild.*check")
    wait_for(lambda: gate.admin("/readyz").status == 200, "the gateway to be ready", 20)
    assert chat(gate.port).status == 200


@pytest.mark.seconds(120)
def test_a_plugin_that_never_returns_is_ended_and_named(gate):
    before = set(gate.processes("worker"))
    ends(gate, "please hang")
    gate.wait_line(r"guard 'wild'.*check|wild/check|plugin .*wild.*check", 40)
    wait_for(lambda: len(gate.processes("worker")) == 2 and
             set(gate.processes("worker")) != before, "the worker to be replaced", 40)
    assert chat(gate.port).status == 200


def test_a_guard_that_fails_denies(gate):
    answer = chat(gate.port, "please fail")
    assert answer.status >= 400
    assert chat(gate.port).status == 200


def test_a_guard_that_never_answers_does_not_hold_the_client_for_ever(gate):
    import socket

    from support.client import Connection, request_bytes

    with Connection(gate.port, timeout=3) as client:
        client.send(request_bytes("POST", "/v1/chat/completions", {"model": "x", "messages": [
            {"role": "user", "content": "please wait for ever"}]}))
        try:
            assert client.read_response().status >= 400
        except (socket.timeout, TimeoutError):
            pass  # it may take longer; what counts is that leaving ends it
    record = gate.wait_records(1, 20)[0]
    assert record
    assert chat(gate.port).status == 200


def test_workers_that_crash_again_and_again_are_not_started_without_a_pause(gate):
    for _ in range(3):
        try:
            chat(gate.port, "please crash")
        except (Gone, OSError):
            pass
    wait_for(lambda: gate.admin("/readyz").status == 200, "the gateway to be ready", 40)
    assert gate.find(r"starting again in [0-9.]+ s")
    assert chat(gate.port).status == 200


@pytest.mark.parametrize("source, words", [
    ("int nothing;", "guard_broken"),
    ('#include <headgate/plugin.h>\nstatic const hg_host *H;\n'
     'HG_PLUGIN(H, "broken", "1.0", .ifaces = (const hg_iface[]){{0}});', "guard"),
])
def test_a_file_that_is_no_such_plugin_is_refused_with_the_reason(
        gateway, upstream, tmp_path, source, words):
    if not shutil.which("cc"):
        pytest.skip("no C compiler")
    (tmp_path / "broken.c").write_text(source)
    subprocess.run(["cc", "-shared", "-fPIC", "-I", ROOT / "sdk" / "include", "-o",
                    tmp_path / "guard_broken.so", tmp_path / "broken.c"], check=True)
    path = f"{plugins()}:{tmp_path}" if plugins() else str(tmp_path)
    gate = gateway(upstream(), plugin_path=path, config='guard "x" { plugin = "broken" }',
                   wait=False)
    gate.may_fail = True
    assert gate.wait() != 0
    assert words in gate.output() and "headgate.lua:" in gate.output()
