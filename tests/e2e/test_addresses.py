"""Where it listens: sockets that are files, and the admin address over TLS."""

import os
import shutil
import signal
import socket
import stat
import subprocess

import pytest

from support import certs
from support.certs import client_side
from support.client import Connection, Gone, ask, chat
from support.gateway import Lua, lua
from support.places import HEADGATE
from support.wait import wait_for

CHAT = "/v1/chat/completions"
HELLO = {"model": "up/m", "messages": [{"role": "user", "content": "Hello"}]}

needs_openssl = pytest.mark.skipif(not shutil.which("openssl"), reason="no openssl program")


def mode_of(path):
    return stat.S_IMODE(path.stat().st_mode)


def unix(name="gate.sock", **more):
    return Lua(f"{lua('unix:' + str(name))} {lua(more) if more else ''}")


@pytest.fixture
def gate_at(gateway, upstream):
    """A gateway that listens at a file in its folder, and at a port for the tests' own use."""

    def make(name="gate.sock", **more):
        gate = gateway(upstream(), config=f"listen {unix(name, **more)}")
        return gate, gate.folder / name

    return make


# ---- clients at a file


def test_clients_are_answered_at_a_file(gate_at):
    gate, path = gate_at()
    with Connection(path) as client:
        for _ in range(3):
            assert client.request("POST", CHAT, HELLO).status == 200
            assert client.request("POST", CHAT, {**HELLO, "stream": True}).complete
    assert all(record["status"] == 200 for record in gate.wait_records(6))
    assert gate.find(rf"listening on unix:{path}$")
    assert f"listening on unix:{path}\n" in gate.command("status").stdout


def test_who_may_connect_is_said_by_a_mode(gate_at):
    gate, path = gate_at()
    assert mode_of(path) == 0o660
    gate, path = gate_at(mode="0600")
    assert mode_of(path) == 0o600


def test_a_reload_keeps_the_file_and_takes_its_new_mode(gate_at):
    gate, path = gate_at()
    before = path.stat().st_ino
    text = (gate.folder / "headgate.lua").read_text()
    (gate.folder / "headgate.lua").write_text(text + 'nonsense "here"\n')
    assert gate.reload().returncode != 0 and mode_of(path) == 0o660
    (gate.folder / "headgate.lua").write_text(text.replace('gate.sock" ', 'gate.sock" { mode = "0666" }'))
    assert gate.reload().returncode == 0
    wait_for(lambda: mode_of(path) == 0o666, "the new mode")
    assert path.stat().st_ino == before
    assert ask(path, "POST", CHAT, HELLO).status == 200


def test_the_file_goes_with_its_address(gate_at):
    gate, path = gate_at()
    text = (gate.folder / "headgate.lua").read_text()
    (gate.folder / "headgate.lua").write_text(text.replace("gate.sock", "other.sock"))
    assert gate.reload().returncode == 0
    assert ask(gate.folder / "other.sock", "POST", CHAT, HELLO).status == 200
    wait_for(lambda: not path.exists(), "the file to go")
    gate.stop()
    assert not (gate.folder / "other.sock").exists()


def test_what_a_killed_gateway_has_left_is_replaced(gateway, upstream, tmp_path):
    path = tmp_path / "gate.sock"
    first = gateway(upstream(), config=f"listen {unix(path)}")
    first.may_fail = True
    workers = first.processes()
    first.signal(signal.SIGKILL)
    first.wait()
    wait_for(lambda: not any(os.path.exists(f"/proc/{pid}") for pid in workers), "its end")
    wait_for(lambda: not is_listened_on(path), "nobody to listen")
    assert path.exists()
    gateway(upstream(), config=f"listen {unix(path)}")
    assert ask(path, "POST", CHAT, HELLO).status == 200


def is_listened_on(path):
    with socket.socket(socket.AF_UNIX) as sock:
        try:
            sock.connect(str(path))
        except ConnectionRefusedError:
            return False
    return True


def test_a_file_that_is_in_use_is_left_alone(gateway, upstream, tmp_path):
    path = tmp_path / "gate.sock"
    with socket.socket(socket.AF_UNIX) as other:
        other.bind(str(path))
        other.listen()
        gate = gateway(upstream(), wait=False, config=f"listen {unix(path)}")
        gate.may_fail = True
        assert gate.wait() != 0
        assert "headgate.lua:" in gate.output() and "; stop what uses it" in gate.output()
        assert is_listened_on(path)


def test_a_file_that_is_no_socket_is_left_alone(gateway, upstream, tmp_path):
    path = tmp_path / "precious"
    path.write_text("text")
    gate = gateway(upstream(), wait=False, config=f"listen {unix(path)}")
    gate.may_fail = True
    assert gate.wait() != 0
    assert path.read_text() == "text"


def test_a_file_that_others_have_taken_over_is_not_removed(gate_at):
    gate, path = gate_at()
    path.unlink()
    path.write_text("theirs")
    gate.stop()
    assert path.read_text() == "theirs"


# ---- the admin address


def test_admin_may_be_at_a_file(gateway, upstream):
    gate = gateway(upstream(), admin=False, config=f"admin {unix('admin.sock', mode='0600')}")
    path = gate.folder / "admin.sock"
    assert mode_of(path) == 0o600
    wait_for(lambda: ask(path, "GET", "/readyz").status == 200, "it to be ready")
    assert b"headgate_workers 1" in ask(path, "GET", "/metrics").body
    assert f"admin on unix:{path}\n" in gate.command("status").stdout


@pytest.fixture(scope="module")
def ours(tmp_path_factory):
    return certs.make(tmp_path_factory.mktemp("certs"),
                      {"server": "IP:127.0.0.1,DNS:localhost", "client": "DNS:me"})


@pytest.fixture
def tls_admin(gateway, upstream, ours):
    def make(**more):
        tls = {"cert": ours / "server.pem", **more}
        gate = gateway(upstream(), admin=False,
                       config=f'admin "127.0.0.1:0" {{ tls = {lua(tls)} }}')
        return gate, int(gate.wait_line(r"admin on https://[^ ]*:(\d+)").group(1))

    return make


def look(port, tls):
    with Connection(port, tls=tls) as client:
        return client.request("GET", "/readyz").status


@needs_openssl
def test_admin_is_answered_over_tls(tls_admin, ours):
    gate, port = tls_admin()
    wait_for(lambda: look(port, client_side(ours)) == 200, "it to be ready")
    with Connection(port) as client:
        client.send(b"GET /metrics HTTP/1.1\r\nHost: a\r\n\r\n")
        assert b"headgate_" not in client.read_to_end()
    assert f"admin on https://127.0.0.1:{port}" in gate.command("status").stdout
    assert gate.reload().returncode == 0
    wait_for(lambda: look(port, client_side(ours)) == 200, "the next one to be ready")


@needs_openssl
def test_admin_may_need_a_certificate(tls_admin, ours):
    _, port = tls_admin(client_ca=ours / "ca.pem")
    wait_for(lambda: look(port, client_side(ours, "client")) == 200, "it to be ready")
    with pytest.raises((Gone, OSError)):
        look(port, client_side(ours))


def test_a_bad_certificate_of_admin_is_found_before_anything_starts(gateway, upstream, tmp_path):
    (tmp_path / "bad.pem").write_text("nonsense\n")
    table = {"tls": {"cert": tmp_path / "bad.pem"}}
    up = upstream()
    gate = gateway(up)
    gate.settings["admin"] = False
    gate.write({"up": up.url}, f'admin "127.0.0.1:0" {lua(table)}')
    checked = subprocess.run([HEADGATE, "check", "-c", gate.folder / "headgate.lua"],
                             capture_output=True, text=True, env={**os.environ, **gate.env})
    for refused in (checked, gate.reload()):
        assert refused.returncode != 0 and "bad.pem" in refused.stderr
    assert chat(gate.port).status == 200
