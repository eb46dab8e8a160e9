"""TLS on both sides, and what is refused."""

import re
import shutil
import socket
import ssl
import threading

import pytest

from support import certs
from support.certs import client_side, server_side
from support.client import Connection, Gone, chat, request_bytes
from support.gateway import Lua, lua
from support.upstream import chat_events, chat_json, tells_of_failure

CHAT = "/v1/chat/completions"
HELLO = {"model": "up/m", "messages": [{"role": "user", "content": "Hello"}]}

pytestmark = pytest.mark.skipif(not shutil.which("openssl"), reason="no openssl program")


@pytest.fixture(scope="module")
def ours(tmp_path_factory):
    return certs.make(tmp_path_factory.mktemp("certs"), {
        "server": "IP:127.0.0.1,DNS:localhost", "other": "DNS:other.example", "client": "DNS:me"})


@pytest.fixture(scope="module")
def theirs(tmp_path_factory):
    return certs.make(tmp_path_factory.mktemp("theirs"), {"server": "IP:127.0.0.1"})


def provider(up, **tls):
    return {"up": {"base_url": up.url, "tls": {key: str(value) for key, value in tls.items()}}}


# ---- to the provider


@pytest.mark.parametrize("stream", [False, True])
def test_a_provider_is_reached_over_tls(gateway, upstream, ours, stream):
    up = upstream(tls=server_side(ours))
    gate = gateway(providers=provider(up, ca=ours / "ca.pem"))
    for _ in range(3):
        answer = chat(gate.port, stream=stream)
        assert answer.status == 200
    assert len(up.connections) == 1


def test_a_large_exchange_passes_over_tls(gateway, upstream, ours):
    text = "ü" * 700_000
    up = upstream(lambda conn, request: conn.answer(chat_json(text)), tls=server_side(ours))
    answer = chat(gateway(providers=provider(up, ca=ours / "ca.pem")).port, text)
    assert answer.json()["choices"][0]["message"]["content"] == text


def test_a_provider_that_nobody_has_signed_is_refused(gateway, upstream, ours, theirs):
    up = upstream(tls=server_side(theirs))
    gate = gateway(providers=provider(up, ca=ours / "ca.pem"))
    answer = chat(gate.port)
    assert answer.status == 502
    assert up.requests == []


def test_a_certificate_for_another_name_is_refused(gateway, upstream, ours):
    up = upstream(tls=server_side(ours, "other"))
    gate = gateway(providers=provider(up, ca=ours / "ca.pem"))
    assert chat(gate.port).status == 502
    assert up.requests == []


def test_a_name_to_verify_can_be_given(gateway, upstream, ours):
    up = upstream(tls=server_side(ours, "other"))
    gate = gateway(providers=provider(up, ca=ours / "ca.pem", server_name="other.example"))
    assert chat(gate.port).status == 200


def test_a_provider_may_want_our_certificate(gateway, upstream, ours):
    context = server_side(ours)
    context.verify_mode = ssl.CERT_REQUIRED
    context.load_verify_locations(ours / "ca.pem")
    up = upstream(tls=context)
    gate = gateway(providers=provider(up, ca=ours / "ca.pem", cert=ours / "client.crt",
                                      key=ours / "client.key"))
    assert chat(gate.port).status == 200


def test_plain_text_where_tls_is_expected_is_a_bad_gateway(gateway, ours):
    with socket.create_server(("127.0.0.1", 0)) as listener:
        def answer():
            sock, _ = listener.accept()
            sock.recv(1000)
            sock.sendall(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n")
            sock.close()

        threading.Thread(target=answer, daemon=True).start()
        port = listener.getsockname()[1]
        gate = gateway(providers={"up": {"base_url": f"https://127.0.0.1:{port}/v1",
                                         "tls": {"ca": str(ours / "ca.pem")}}})
        assert chat(gate.port).status == 502


def test_a_stream_cut_without_a_goodbye_is_not_whole(gateway, upstream, ours):
    """TLS has an end of its own; a cut without it may be an attacker's."""
    def handler(conn, request):
        conn.stream(chat_events(["a"])[:2], end=False)
        conn.sock.shutdown(2)

    up = upstream(handler, tls=server_side(ours))
    answer = chat(gateway(providers=provider(up, ca=ours / "ca.pem")).port, stream=True)
    assert answer.complete and tells_of_failure(answer.body)


# ---- from the client


@pytest.fixture
def tls_gate(gateway, upstream, ours):
    def make(**more):
        table = {"cert": ours / "server.pem", **more}
        gate = gateway(upstream(), wait=False,
                       listen=Lua(f'"127.0.0.1:0" {{ tls = {lua(table)} }}'))
        port = int(gate.wait_line(r"listening on https://[^ ]*:(\d+)").group(1))
        gate.wait_line("serves")
        return gate, port

    return make


def test_clients_are_answered_over_tls(tls_gate, ours):
    gate, port = tls_gate()
    with Connection(port, tls=client_side(ours)) as client:
        for _ in range(3):
            assert client.request("POST", CHAT, HELLO).status == 200
            assert client.request("POST", CHAT, {**HELLO, "stream": True}).complete
        client.send_slowly(request_bytes("POST", CHAT, HELLO), 11)
        assert client.read_response().status == 200


def test_plain_text_at_the_tls_port_ends_at_once(tls_gate):
    gate, port = tls_gate()
    with Connection(port) as client:
        client.send(request_bytes("POST", CHAT, HELLO))
        data = client.read_to_end()
        assert b"200 OK" not in data


def test_callers_may_need_a_certificate(tls_gate, ours):
    gate, port = tls_gate(client_ca=ours / "ca.pem")
    with Connection(port, tls=client_side(ours, "client")) as client:
        assert client.request("POST", CHAT, HELLO).status == 200
    with pytest.raises((Gone, OSError)):
        with Connection(port, tls=client_side(ours)) as client:
            client.request("POST", CHAT, HELLO)


def test_a_certificate_that_is_none_is_refused_at_the_start(gateway, upstream, tmp_path):
    (tmp_path / "bad.pem").write_text("nonsense\n")
    table = {"cert": tmp_path / "bad.pem"}
    gate = gateway(upstream(), wait=False, listen=Lua(f'"127.0.0.1:0" {{ tls = {lua(table)} }}'))
    gate.may_fail = True
    assert gate.wait() != 0
    assert re.search(r"headgate\.lua:\d+: .*bad\.pem", gate.output())


@pytest.mark.parametrize("framing", ["length", "chunked"])
def test_a_large_body_is_streamed_over_tls_on_both_sides(gateway, upstream, ours, framing):
    body = bytes(range(256)) * 16384
    up = upstream(lambda conn, request: conn.answer(b"done"), tls=server_side(ours))
    gate = gateway(providers=provider(up, ca=ours / "ca.pem"), wait=False, listen=Lua(
        f'"127.0.0.1:0" {{ tls = {lua({"cert": ours / "server.pem"})} }}'))
    port = int(gate.wait_line(r"listening on https://[^ ]*:(\d+)").group(1))
    gate.wait_line("serves")
    head = [("content-type", "application/octet-stream")]
    with Connection(port, tls=client_side(ours)) as client:
        if framing == "length":
            client.send(request_bytes("PUT", "/v1/files", body, head))
        else:
            client.send(request_bytes("PUT", "/v1/files", b"",
                                      [*head, ("transfer-encoding", "chunked")]))
            for at in range(0, len(body), 50000):
                client.send(b"%x\r\n%s\r\n" % (len(body[at:at + 50000]), body[at:at + 50000]))
            client.send(b"0\r\n\r\n")
        answer = client.read_response()
        assert answer.status == 200 and answer.body == b"done"
        assert up.requests[0].method == "PUT" and up.requests[0].body == body
