"""Bodies that come compressed, from clients and from providers that were not asked for it."""

import fcntl
import gzip
import json
import struct
import termios
import threading
import zlib

import pytest

from support.client import Connection, ask, chat, request_bytes
from support.upstream import DONE, chat_events, chat_json, error_json, plain
from support.wait import wait_for
from support.wires import Said, wires
from test_translation import Place, same

WIRES = {wire.name: wire for wire in wires()}
HELLO = Said("Hello there", [], "stop", (7, 5))
GZIP = [("Content-Encoding", "gzip")]


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    one = Place(tmp_path_factory.mktemp("place"))
    yield one
    one.stop()


def compressed(pieces):
    """Each flushed, as servers do."""
    packer = zlib.compressobj(wbits=31)
    made = [packer.compress(piece) + packer.flush(zlib.Z_SYNC_FLUSH) for piece in pieces]
    made[-1] += packer.flush()
    return made


def test_a_compressed_stream_is_read_as_it_comes(gateway, upstream):
    # Pitfalls 58 and 59: event by event, and nobody is told that it was compressed.
    go = threading.Event()
    pieces = compressed(chat_events(["Hello", " there"]))

    def handler(conn, request):
        assert request.header("accept-encoding") == "identity"
        conn.head(content_type="text/event-stream", headers=GZIP)
        for piece in pieces[:2]:
            conn.chunk(piece)
        assert go.wait(20)
        for piece in pieces[2:]:
            for at in range(len(piece)):
                conn.chunk(piece[at:at + 1])
        conn.end_chunks()

    gate = gateway(upstream(handler))
    body = {"model": "up/m", "stream": True, "messages": [{"role": "user", "content": "hi"}],
            "stream_options": {"include_usage": True}}
    with Connection(gate.port) as connection:
        connection.send(request_bytes("POST", "/v1/chat/completions", body))
        while b"Hello" not in connection.received:
            connection.received += connection.sock.recv(65536)
        go.set()
        got = connection.received
        while DONE not in got:
            got += connection.sock.recv(65536)
    assert b"content-encoding" not in got.lower()
    assert b" there" in got and b'"usage"' in got


@pytest.mark.parametrize("provider", WIRES.values(), ids=WIRES)
@pytest.mark.parametrize("coding", ["gzip", "deflate", "x-gzip"])
def test_a_compressed_answer_is_read_in_every_format(place, provider, coding):
    pack = zlib.compress if coding == "deflate" else gzip.compress
    client = WIRES["openai_chat"]
    place.answers(pack(json.dumps(provider.whole(HELLO)).encode()),
                  headers=[("Content-Encoding", coding)])
    for stream in (False, True):
        if stream and provider is client:
            continue
        answer = place.ask(client, provider, stream=stream)
        assert answer.header("content-encoding") is None
        same(client.read_stream(answer.body) if stream else client.read(answer.json()), HELLO)


def test_a_compressed_error_is_read(gateway, upstream):
    body = gzip.compress(json.dumps(error_json("slow down", "rate_limit_error")).encode())
    gate = gateway(upstream(lambda conn, request: conn.answer(body, 429, headers=GZIP)))
    answer = chat(gate.port)
    assert answer.status == 429 and answer.json()["error"]["message"] == "slow down"
    assert answer.header("content-encoding") is None


def test_what_is_sent_again_behind_a_compressed_refusal_is_read_as_it_comes(gateway, upstream):
    refusal = gzip.compress(json.dumps(error_json("stream_options is not known")).encode())

    def handler(conn, request):
        if "stream_options" in request.json():
            conn.answer(refusal, 400, headers=GZIP)
        else:
            plain(conn, request)

    up = upstream(handler)
    answer = chat(gateway(up).port, stream=True)
    assert answer.status == 200 and answer.body.endswith(DONE)
    assert len(up.requests) == 2


@pytest.mark.parametrize("coding, body", [("br", b"\x0b\x02"), ("gzip", b"nonsense")])
def test_a_refusal_that_cannot_be_read_is_still_that_refusal(gateway, upstream, coding, body):
    gate = gateway(upstream(lambda conn, request: conn.answer(
        body, 429, headers=[("Content-Encoding", coding), ("Retry-After", "7")])))
    answer = chat(gate.port)
    assert answer.status == 429 and answer.header("retry-after") == "7"


@pytest.mark.parametrize("break_it", [
    lambda body: body[:-9], lambda body: body[:20], lambda body: b"nonsense" + body,
    lambda body: body[:-6] + b"\0\0" + body[-4:], lambda body: body + b"more",
], ids=["cut", "head", "nonsense", "checksum", "more"])
def test_a_broken_compressed_answer_is_no_answer(gateway, upstream, break_it):
    body = break_it(gzip.compress(json.dumps(chat_json()).encode()))
    gate = gateway(upstream(lambda conn, request: conn.answer(body, headers=GZIP)))
    assert chat(gate.port).status == 502


def test_a_coding_that_we_cannot_read_is_told(gateway, upstream):
    gate = gateway(upstream(lambda conn, request: conn.answer(
        chat_json(), headers=[("Content-Encoding", "br")])))
    answer = chat(gate.port)
    assert answer.status == 502 and "content-encoding" in answer.json()["error"]["message"]


def test_what_grows_without_end_is_given_up(gateway, upstream):
    body = gzip.compress(b"[" + b" " * (300 << 20))
    gate = gateway(upstream(lambda conn, request: conn.answer(body, headers=GZIP)))
    assert chat(gate.port).status == 502


def peak(pid):
    with open(f"/proc/{pid}/status", encoding="ascii") as file:
        return next(int(line.split()[1]) for line in file if line.startswith("VmHWM")) * 1024


def large(count, ends):
    """A stream that says so much, packed: about 160 bytes for each 50 KB."""
    start, content, *end = chat_events(["Z" * 50000])
    packer = zlib.compressobj(wbits=31)
    packed = b"".join(map(packer.compress, [start, *[content] * count]))
    if ends == "whole":
        return packed + packer.compress(b"".join(end)) + packer.flush()
    return packed + packer.flush(zlib.Z_SYNC_FLUSH)


def fills_up(sock):
    """Waits until no more comes to who does not read."""
    seen = []

    def is_full():
        seen.append(struct.unpack("i", fcntl.ioctl(sock, termios.FIONREAD, b"\0" * 4))[0])
        return len(seen) > 20 and seen[-1] > 100000 and len(set(seen[-20:])) == 1

    wait_for(is_full, "the client's buffers to be full")


@pytest.mark.usefixtures("no_quarantine")
@pytest.mark.parametrize("ends", ["whole", "cut"])
@pytest.mark.parametrize("count", [300, 2000], ids=["one read", "many reads"])
def test_what_a_slow_client_has_not_taken_stays_packed(gateway, upstream, count, ends):
    packed = large(count, ends)

    def handler(conn, request):
        conn.head(content_type="text/event-stream", headers=GZIP)
        conn.send(b"%x\r\n%s\r\n0\r\n\r\n" % (len(packed), packed))

    gate = gateway(upstream(handler))
    [pid] = gate.processes("worker")
    before, found, tail = peak(pid), 0, b""
    with Connection(gate.port, timeout=60) as connection:
        connection.send(request_bytes("POST", "/v1/chat/completions", {
            "model": "up/m", "stream": True, "messages": [{"role": "user", "content": "hi"}]}))
        fills_up(connection.sock)
        while not tail.endswith(b"0\r\n\r\n"):
            piece = connection.sock.recv(1 << 20)
            assert piece
            found += piece.count(b"Z")
            tail = (tail + piece)[-400:]
    assert found == count * 50000
    assert b"[DONE]" in tail and (b'"error"' in tail) == (ends == "cut")
    assert peak(pid) - before < 8 << 20


def test_what_passes_unread_passes_compressed(gateway, upstream):
    body = gzip.compress(b"RIFF" * 100)
    gate = gateway(upstream(lambda conn, request: conn.answer(body, 200, "audio/wav", GZIP)))
    answer = ask(gate.port, "POST", "/v1/audio/speech", {"model": "up/m", "input": "hi"})
    assert answer.body == body and answer.header("content-encoding") == "gzip"


# ---- requests


def asked(gate, body, coding, path="/v1/chat/completions", content_type="application/json"):
    return ask(gate.port, "POST", path, body, headers=[("Content-Encoding", coding),
                                                       ("Content-Type", content_type)])


def test_a_compressed_request_is_read(gateway, upstream):
    # Pitfall 61.
    up = upstream()
    gate = gateway(up)
    body = json.dumps({"model": "up/m", "messages": [{"role": "user", "content": "hi"}]}).encode()
    for coding, packed in [("gzip", gzip.compress(body)), ("deflate", zlib.compress(body)),
                           ("GZIP", gzip.compress(body[:9]) + gzip.compress(body[9:])),
                           ("identity", body)]:
        answer = asked(gate, packed, coding)
        assert answer.status == 200, answer.body
        sent = up.requests[-1]
        assert sent.json()["messages"] == [{"role": "user", "content": "hi"}]
        assert sent.header("content-encoding") is None
        assert int(sent.header("content-length")) == len(sent.body)


def test_a_compressed_request_that_makes_no_sense_is_refused(gateway, upstream):
    up = upstream(plain)
    gate = gateway(up, config='limits { max_body = "64KB" }')
    body = json.dumps({"model": "up/m", "messages": []}).encode()
    for coding, packed, status in [
        ("br", body, 415), ("gzip, gzip", body, 415), ("gzip", body, 400),
        ("gzip", gzip.compress(body)[:-5], 400), ("gzip", gzip.compress(b" " * (1 << 20)), 413),
        ("gzip", gzip.compress(b"{"), 400),
    ]:
        answer = asked(gate, packed, coding)
        assert answer.status == status, (coding, answer.body)
        assert answer.json()["error"]["message"]
    assert not up.requests
