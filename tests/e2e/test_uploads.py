"""Forms, sound, pictures and files: every endpoint that is no chat, and bodies that are streamed
because they are too large to hold."""

import hashlib
import json
import os
import signal
import socket

import pytest

from support.client import Connection, Gone, ask, request_bytes
from support.places import HEADGATE
from support.upstream import answer_bytes, error_json
from support.wait import wait_for

HELD = 64 * 1024
MB = 1024 * 1024
HEAD = 'local s = require "headgate"\n'
GUARD = 'guard "words" { plugin = "regex", deny = { "forbidden" } }'


def form(fields=(("model", "up/whisper-1"),), content=b"sound", field="file", fields_last=False,
         boundary="b0und"):
    """A form as the SDKs make it: fields first, then the file. (body, its content type)"""
    texts = [f'Content-Disposition: form-data; name="{name}"\r\n\r\n{value}'.encode()
             for name, value in fields]
    file = [f'Content-Disposition: form-data; name="{field}"; filename="a.wav"\r\n'
            "Content-Type: audio/wav\r\n\r\n".encode() + content]
    parts = file + texts if fields_last else texts + file
    body = b"".join(b"--" + boundary.encode() + b"\r\n" + part + b"\r\n" for part in parts)
    return body + f"--{boundary}--\r\n".encode(), f"multipart/form-data; boundary={boundary}"


def send_form(port, path, headers=(), **more):
    body, content_type = form(**more)
    return ask(port, "POST", path, body, {"content-type": content_type, **dict(headers)})


def route(handler):
    return {"all.lua": HEAD + f'return s.route {{ path = "/...", handler = {handler} }}\n'}


def says(answer=b'{"text":"hi"}', content_type="application/json", status=200):
    return lambda conn, request: conn.answer(answer, status, content_type)


def chunked(body, size=40000):
    for at in range(0, len(body), size):
        piece = body[at:at + size]
        yield b"%x\r\n%s\r\n" % (len(piece), piece)
    yield b"0\r\n\r\n"


def head_of(path, content_type, framing, *more):
    return request_bytes("POST", path, b"", [("content-type", content_type), framing, *more])


def reads(connection, request, up):
    """Reads a body of a known length without keeping it."""
    digest = hashlib.sha256()
    for piece in connection.pieces(int(request.header("content-length"))):
        digest.update(piece)
    up["digest"] = digest.hexdigest()


# ---- the endpoints

JSON = [("POST", "/v1/completions", {"prompt": "x"}, {"choices": [{"text": "y", "index": 0}]}),
        ("POST", "/v1/embeddings", {"input": "x"}, {"data": [{"embedding": [1.0]}]}),
        ("POST", "/v1/rerank", {"query": "x", "documents": ["y"]}, {"results": []}),
        ("POST", "/v1/moderations", {"input": "x"}, {"results": []}),
        ("POST", "/v1/images/generations", {"prompt": "x"}, {"data": [{"b64_json": "AAAA"}]}),
        ("POST", "/v1/batches", {"input_file_id": "f"}, {"id": "batch_1"}),
        ("POST", "/v1/fine_tuning/jobs", {"training_file": "f"}, {"id": "ftjob-1"}),
        ("POST", "/v1/vector_stores", {"name": "x"}, {"id": "vs_1"})]


@pytest.mark.parametrize("method, path, body, answer", JSON, ids=[row[1] for row in JSON])
def test_documents_go_to_their_endpoint_under_the_targets_model(gateway, upstream, method, path,
                                                                body, answer):
    up = upstream(lambda conn, request: conn.answer(answer))
    gate = gateway(up)
    got = ask(gate.port, method, path, {"model": "up/m-1", **body})
    assert got.status == 200 and got.json() == answer
    assert up.requests[0].target == path and up.requests[0].json() == {"model": "m-1", **body}
    assert up.requests[0].header("authorization") == "Bearer sk-canary-upstream-key"


@pytest.mark.parametrize("method, path", [
    ("GET", "/v1/files?purpose=batch"), ("GET", "/v1/batches/batch_1"), ("DELETE", "/v1/files/f"),
    ("POST", "/v1/batches/batch_1/cancel"), ("GET", "/v1/fine_tuning/jobs/j/events"),
    ("GET", "/v1/models"), ("GET", "/v1/something/new")])
def test_any_other_path_passes_with_the_providers_credentials(gateway, upstream, method, path):
    up = upstream(says())
    got = ask(gateway(up).port, method, path)
    assert got.status == 200 and got.json() == {"text": "hi"}
    assert (up.requests[0].method, up.requests[0].target) == (method, path)
    assert up.requests[0].header("authorization") == "Bearer sk-canary-upstream-key"


NATIVE = [("cohere", "/v1/rerank", "/v2/rerank"), ("cohere", "/v2/rerank", "/v2/rerank"),
          ("anthropic", "/v1/messages/batches", "/v1/messages/batches"),
          ("anthropic", "/v1/something/new", "/v1/something/new")]


@pytest.mark.parametrize("plugin, path, arrives", NATIVE, ids=[f"{a}{b}" for a, b, _ in NATIVE])
def test_what_providers_have_in_their_own_formats_passes_under_the_targets_model(
        gateway, upstream, plugin, path, arrives):
    up = upstream(says(b'{"results":[]}'))
    base = up.url if plugin == "anthropic" else up.url.removesuffix("/v1")
    gate = gateway(providers={"up": {"plugin": plugin, "base_url": base}})
    got = ask(gate.port, "POST", path, {"query": "x", "documents": ["y"], "model": "up/m-1"})
    assert got.status == 200 and got.json() == {"results": []}
    assert up.requests[0].target == arrives
    assert up.requests[0].json() == {"query": "x", "documents": ["y"], "model": "m-1"}


def test_a_file_goes_to_a_provider_with_its_own_format(gateway, upstream):
    up = upstream(says())
    gate = gateway(providers={"up": {"plugin": "anthropic", "base_url": up.url}})
    assert send_form(gate.port, "/v1/files", fields=[("purpose", "x")],
                     content=bytes(300000)).status == 200
    assert up.requests[0].body == form([("purpose", "x")], bytes(300000))[0]
    assert up.requests[0].header("x-api-key") == "sk-canary-upstream-key"


FORMS = ["/v1/audio/transcriptions", "/v1/audio/translations", "/v1/images/edits",
         "/v1/images/variations", "/v1/files"]


@pytest.mark.parametrize("size", [10, HELD - 1, HELD, HELD + 1, 300000])
@pytest.mark.parametrize("path", FORMS)
def test_a_form_arrives_as_it_was_under_the_targets_model(gateway, upstream, path, size):
    up = upstream(says())
    content = bytes(range(256)) * (size // 256 + 1)
    got = send_form(gateway(up).port, path, content=content[:size],
                    fields=[("purpose", "x"), ("model", "up/whisper-1"), ("language", "de")])
    assert got.status == 200 and got.json() == {"text": "hi"}
    asked = up.requests[0]
    body, content_type = form([("purpose", "x"), ("model", "whisper-1"), ("language", "de")],
                              content[:size])
    assert asked.target == path and asked.header("content-type") == content_type
    assert asked.body == body


def test_the_route_sees_the_model_of_a_form(gateway, upstream):
    up = upstream(says())
    gate = gateway(up, routes=route(
        'function(req) if req.model ~= "whisper" then return nil, "it is " .. tostring(req.model) '
        'end return s.target "up/whisper-large-v3-turbo" (req) end'))
    body, content_type = form([("model", "whisper-large-v3-turbo")])
    assert send_form(gate.port, FORMS[0], fields=[("model", "whisper")]).status == 200
    assert up.requests[0].body == body


def test_a_model_that_is_not_in_the_beginning_may_be_said_beside_the_body(gateway, upstream):
    a, b = upstream(says(b"a")), upstream(says(b"b"))
    gate = gateway(providers={"a": a.url, "b": b.url})
    more = {"fields": [("model", "whisper-1")], "content": b"x" * (2 * HELD), "fields_last": True}
    assert send_form(gate.port, FORMS[0], **more).body == b"a"
    assert send_form(gate.port, FORMS[0], {"x-headgate-model": "b/whisper-1"}, **more).body == b"b"
    assert send_form(gate.port, FORMS[0], {"x-headgate-provider": "b"}, **more).body == b"b"
    assert a.requests[0].body == b.requests[0].body == form(**more)[0]


def test_a_form_that_says_its_model_twice_is_refused(gateway, upstream):
    up = upstream(says())
    got = send_form(gateway(up).port, FORMS[0], fields=[("model", "a"), ("model", "b")])
    assert got.status == 400 and "one field `model`" in got.json()["error"]["message"]
    assert not up.requests


def test_a_form_is_sent_again_while_all_of_it_is_held(gateway, upstream):
    a, b = upstream(says(b"no", status=503)), upstream(says())
    gate = gateway(providers={"a": a.url, "b": b.url},
                   routes=route('s.fallback { s.target "a/x", s.target "b/y" }'))
    assert send_form(gate.port, FORMS[0], content=b"z" * 1000).status == 200
    assert b.requests[0].body == form([("model", "y")], b"z" * 1000)[0]


@pytest.mark.parametrize("content_type", ["audio/mpeg", "application/octet-stream", "image/png"])
def test_an_answer_that_is_no_text_passes_byte_for_byte(gateway, upstream, content_type):
    sound = bytes(range(256)) * 4096
    up = upstream(says(sound, content_type))
    got = ask(gateway(up).port, "POST", "/v1/audio/speech", {"model": "up/tts-1", "input": "x"})
    assert got.status == 200 and got.body == sound and got.header("content-type") == content_type
    assert got.header("content-length") == str(len(sound)) and up.requests[0].json()["model"] == "tts-1"


# ---- bodies that are streamed


def test_a_chunked_form_stays_chunked_and_the_connection_stays_open(gateway, upstream):
    up = upstream(says())
    gate = gateway(up)
    body, content_type = form(content=bytes(1 << 18))
    with Connection(gate.port) as client:
        for _ in range(2):
            client.send(head_of(FORMS[0], content_type, ("transfer-encoding", "chunked")))
            for piece in chunked(body):
                client.send(piece)
            assert client.read_response().json() == {"text": "hi"}
        client.send(request_bytes("GET", "/v1/models"))
        assert client.read_response().status == 200
    for asked in up.requests[:2]:
        assert asked.header("transfer-encoding") == "chunked" and not asked.header("content-length")
        assert asked.body == form([("model", "whisper-1")], bytes(1 << 18))[0]


def test_a_request_behind_a_streamed_body_is_read(gateway, upstream):
    up = upstream(says())
    body, content_type = form(content=bytes(200000))
    pipelined = request_bytes("GET", "/v1/files")
    with Connection(gateway(up).port) as client:
        client.send(request_bytes("POST", FORMS[0], body, {"content-type": content_type}) + pipelined)
        assert client.read_response().status == 200
        assert client.read_response().status == 200
        client.send(head_of(FORMS[0], content_type, ("transfer-encoding", "chunked")) +
                    b"".join(chunked(body)) + pipelined)
        assert client.read_response().status == 200
        assert client.read_response().status == 200
    assert [asked.method for asked in up.requests] == ["POST", "GET", "POST", "GET"]


def test_a_client_that_asks_whether_to_go_on_is_told_so(gateway, upstream):
    up = upstream(says())
    body, content_type = form(content=bytes(200000))
    with Connection(gateway(up).port) as client:
        client.send(head_of(FORMS[0], content_type, ("content-length", str(len(body))),
                            ("expect", "100-continue")))
        assert client.read_head().status == 100
        client.send(body)
        assert client.read_response().status == 200
    assert not up.requests[0].header("expect")


def memory(pid):
    """Bytes of a process that are in memory."""
    with open(f"/proc/{pid}/status", encoding="ascii") as file:
        return next(int(line.split()[1]) for line in file if line.startswith("VmRSS")) * 1024


def peak(pid):
    with open(f"/proc/{pid}/status", encoding="ascii") as file:
        return next(int(line.split()[1]) for line in file if line.startswith("VmHWM")) * 1024


def peak_reset(pid):
    with open(f"/proc/{pid}/clear_refs", "w", encoding="ascii") as file:
        file.write("5")


LARGE = 100 * MB

# What a sanitizer frees stays for a while, but a body that was held would be more than that.
GROWTH = 40 * MB if b"__asan_init" in HEADGATE.read_bytes() else 4 * MB


def upload(client, size=LARGE):
    """Sends a form whose file has so many bytes, and its hash as it should arrive."""
    piece = bytes(range(256)) * 1024
    start, end = (part for part in form(content=b"@@")[0].split(b"@@"))
    expected = hashlib.sha256(start.replace(b"up/whisper-1", b"whisper-1"))
    content_type = form()[1]
    total = len(start) + size + len(end)
    client.send(head_of("/v1/files", content_type, ("content-length", str(total))))
    client.send(start)
    for _ in range(size // len(piece)):
        client.send(piece)
        expected.update(piece)
    client.send(end)
    expected.update(end)
    return expected.hexdigest()


@pytest.mark.seconds(120)
def test_an_upload_of_100_MB_takes_no_memory(gateway, upstream):
    seen = {}

    def handler(conn, request):
        reads(conn, request, seen)
        conn.answer({"id": "file-1"})

    up = upstream(handler, heads_only=True)
    gate = gateway(up)
    pid = gate.processes()[0]
    with Connection(gate.port, timeout=60) as client:
        assert upload(client, size=MB) and client.read_response().status == 200
        peak_reset(pid)
        before = memory(pid)
        expected = upload(client)
        assert client.read_response().json() == {"id": "file-1"}
    assert seen["digest"] == expected
    assert peak(pid) - before < GROWTH
    record = gate.wait_records(2)[1]
    assert record["request_bytes"] > LARGE and record["status"] == 200


@pytest.mark.seconds(120)
@pytest.mark.parametrize("framing", ["length", "chunked"])
def test_a_download_of_100_MB_takes_no_memory(gateway, upstream, framing):
    piece = bytes(range(256)) * 1024

    def handler(conn, request):
        if request.target == "/v1/files":
            conn.answer({"data": []})
            return
        conn.head(content_type="application/octet-stream",
                  length=LARGE if framing == "length" else None)
        for _ in range(LARGE // len(piece)):
            conn.send(piece) if framing == "length" else conn.chunk(piece)
        if framing == "chunked":
            conn.end_chunks()

    gate = gateway(upstream(handler))
    pid = gate.processes()[0]
    assert ask(gate.port, "GET", "/v1/files").status == 200
    peak_reset(pid)
    before, count = memory(pid), 0
    with Connection(gate.port, timeout=60, receive_buffer=65536) as client:
        client.send(request_bytes("GET", "/v1/files/f/content"))
        head = client.read_head()
        assert head.status == 200
        if framing == "length":
            count = sum(len(part) for part in client.pieces(int(head.header("content-length"))))
        else:
            while True:
                size = int(client.read_until(b"\r\n"), 16)
                count += sum(len(part) for part in client.pieces(size))
                client.read_until(b"\r\n")
                client.received = b""
                if not size:
                    break
    assert count == LARGE
    assert peak(pid) - before < GROWTH


@pytest.mark.seconds(60)
def test_a_provider_that_reads_slowly_slows_the_client_down(gateway, upstream):
    """Its own buffers, the gateway's and the kernel's are full long before the body has ended."""
    go_on = []

    def handler(conn, request):
        wait_for(lambda: go_on, "the client to be stopped", 30)
        reads(conn, request, {})
        conn.answer({"id": "f"})

    gate = gateway(upstream(handler, heads_only=True))
    pid = gate.processes()[0]
    before = memory(pid)
    with Connection(gate.port, timeout=30) as client:
        body, content_type = form(content=bytes(64 * MB))
        client.send(head_of("/v1/files", content_type, ("content-length", str(len(body)))))
        sent = send_until_stopped(client, body)
        assert sent < 32 * MB and memory(pid) - before < GROWTH
        go_on.append(True)
        client.send(body[sent:])
        assert client.read_response().status == 200


# ---- what goes wrong


def begin_upload(client, size=10 * MB, path="/v1/files"):
    """The head and more than is held, of a body that does not end."""
    start = form(content=b"")[0][:120]
    client.send(head_of(path, form()[1], ("content-length", str(size))))
    client.send(start + bytes(HELD))


def test_a_streamed_body_goes_elsewhere_while_its_beginning_is_held(gateway, upstream):
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        up = upstream(says())
        gate = gateway(providers={"a": f"http://127.0.0.1:{closed.getsockname()[1]}/v1",
                                  "b": up.url},
                       routes=route('s.fallback { s.target "a/x", s.target "b/y" }'))
        assert send_form(gate.port, "/v1/files", content=bytes(300000)).status == 200
    assert up.requests[0].body == form([("model", "y")], bytes(300000))[0]
    assert [one["outcome"] for one in gate.wait_records()[0]["attempts"]] == ["connect", "ok"]


def test_a_streamed_body_that_is_gone_is_not_sent_again(gateway, upstream):
    a, b = upstream(says(json.dumps(error_json("busy")).encode(), status=503)), upstream(says())
    gate = gateway(providers={"a": a.url, "b": b.url},
                   routes=route('s.fallback { s.target "a/x", s.target "b/y" }'))
    got = send_form(gate.port, "/v1/files", content=bytes(300000))
    assert got.status == 503 and got.json()["error"]["message"] == "busy"
    assert not b.requests


def test_a_route_that_asks_again_is_told_that_the_body_is_gone(gateway, upstream):
    a, b = upstream(says(json.dumps(error_json("busy")).encode(), status=503)), upstream(says())
    gate = gateway(providers={"a": a.url, "b": b.url}, routes={"all.lua": HEAD + (
        'local a, b = s.target "a/x", s.target "b/y"\n'
        'return s.route { path = "/...", handler = function(req) a(req) return b(req) end }\n')})
    got = send_form(gate.port, "/v1/files", content=bytes(300000))
    assert got.status == 503 and "is not held" in got.json()["error"]["message"]
    assert not b.requests


def test_only_one_of_two_at_once_gets_a_streamed_body(gateway, upstream):
    a, b = upstream(says()), upstream(says())
    gate = gateway(providers={"a": a.url, "b": b.url},
                   routes=route(
        'function(req) return s.race(req, { s.target "a/x", s.target "b/y" }) end'))
    assert send_form(gate.port, "/v1/files", content=bytes(300000)).status == 200
    assert len(a.requests) + len(b.requests) == 1


def test_shadow_traffic_gets_no_streamed_body(gateway, upstream):
    a, b = upstream(says()), upstream(says())
    gate = gateway(providers={"a": a.url, "b": b.url},
                   routes=route('s.shadow(s.target "a/x", { to = s.target "b/y" })'))
    assert send_form(gate.port, "/v1/files", content=bytes(300000)).status == 200
    assert len(a.requests) == 1 and not b.requests


@pytest.mark.parametrize("closes", [True, False])
@pytest.mark.parametrize("status", [401, 413, 200])
def test_an_answer_before_the_body_has_ended_is_passed_on(gateway, upstream, status, closes):
    def handler(conn, request):
        conn.send(answer_bytes(json.dumps(error_json("early")).encode(), status))
        if closes:
            conn.close()
        else:
            conn.wait_closed(30)

    gate = gateway(upstream(handler, heads_only=True))
    with Connection(gate.port) as client:
        begin_upload(client)
        got = client.read_response()
        assert got.status == status and got.json() == error_json("early")
        assert got.header("connection") == "close"
        client.wait_closed()


def test_a_client_that_sends_everything_first_still_gets_an_early_answer(gateway, upstream):
    def handler(conn, request):
        conn.send(answer_bytes(json.dumps(error_json("too large")).encode(), 413))
        conn.close()  # with bytes unread: the gateway's writes fail

    gate = gateway(upstream(handler, heads_only=True))
    with Connection(gate.port, timeout=30) as client:
        upload(client, size=20 * MB)
        got = client.read_response()
        assert got.status == 413 and got.json() == error_json("too large")


def send_until_stopped(client, body):
    """How much went out before the other side took no more."""
    before = client.sock.gettimeout()
    client.sock.settimeout(1)
    sent = 0
    with pytest.raises(TimeoutError):
        while sent < len(body):
            sent += client.sock.send(body[sent:sent + 65536])
    client.sock.settimeout(before)
    return sent


def test_an_answer_is_read_though_writing_has_failed(gateway, upstream):
    """The provider closes while bytes for it wait: the next write fails before its answer is read."""
    go_on = []

    def handler(conn, request):
        wait_for(lambda: go_on, "the client to be stopped", 30)
        conn.send(answer_bytes(json.dumps(error_json("too large")).encode(), 413))
        conn.close()

    up = upstream(handler, heads_only=True)
    gate = gateway(up)
    pid = gate.processes()[0]
    with Connection(gate.port, timeout=30) as client:
        body, content_type = form(content=bytes(64 * MB))
        client.send(head_of("/v1/files", content_type, ("content-length", str(len(body)))))
        send_until_stopped(client, body)
        os.kill(pid, signal.SIGSTOP)  # so that answer and end are both there when it looks
        go_on.append(True)
        wait_for(lambda: up.connections[0].sock.fileno() < 0, "the provider to close")
        os.kill(pid, signal.SIGCONT)
        got = client.read_response()
        assert got.status == 413 and got.json() == error_json("too large")


def test_a_provider_that_goes_in_the_middle_is_a_502(gateway, upstream):
    def handler(conn, request):
        for _ in conn.pieces(HELD):
            pass
        conn.reset()

    gate = gateway(upstream(handler, heads_only=True))
    with Connection(gate.port) as client:
        begin_upload(client)
        got = client.read_response()
        assert got.status == 502 and got.header("connection") == "close"
        client.wait_closed()
    assert gate.wait_records()[0]["attempts"][0]["outcome"] == "protocol"


def test_a_client_that_goes_in_the_middle_ends_the_request_upstream(gateway, upstream):
    gone = []

    def handler(conn, request):
        try:
            reads(conn, request, {})
        except Gone:
            gone.append(True)

    gate = gateway(upstream(handler, heads_only=True))
    with Connection(gate.port) as client:
        begin_upload(client)
        wait_for(lambda: gate.metrics(), "the gateway")
    wait_for(lambda: gone, "the provider to see it")
    assert gate.wait_records()[0]["outcome"] == "cancelled"


def test_a_client_that_stops_sending_is_told_so(gateway, upstream):
    gate = gateway(upstream(lambda conn, request: conn.wait_closed(30), heads_only=True),
                   config='limits { body_timeout = "200ms" }')
    with Connection(gate.port) as client:
        begin_upload(client)
        got = client.read_response()
        assert got.status == 408 and "in time" in got.json()["error"]["message"]
        client.wait_closed()


def test_a_body_that_breaks_off_being_chunked_is_a_400(gateway, upstream):
    gate = gateway(upstream(lambda conn, request: conn.wait_closed(30), heads_only=True))
    with Connection(gate.port) as client:
        client.send(head_of("/v1/files", form()[1], ("transfer-encoding", "chunked")))
        client.send(b"%x\r\n%s\r\nnonsense\r\n" % (2 * HELD, bytes(2 * HELD)))
        got = client.read_response()
        assert got.status == 400 and "chunked" in got.json()["error"]["message"]


@pytest.mark.parametrize("framing", ["length", "chunked"])
def test_streamed_bodies_have_a_limit_of_their_own(gateway, upstream, framing):
    up = upstream(lambda conn, request: conn.wait_closed(30), heads_only=True)
    gate = gateway(up, config='limits { max_body = "10KB", max_streamed_body = "1MB" }')
    with Connection(gate.port) as client:
        if framing == "length":
            client.send(head_of("/v1/files", form()[1], ("content-length", str(MB + 1))))
        else:
            client.send(head_of("/v1/files", form()[1], ("transfer-encoding", "chunked")))
            for piece in chunked(bytes(MB + 1)):
                client.send(piece)
        assert client.read_response().status == 413
    assert send_form(gate.port, "/v1/files", content=bytes(20000)).status == 413
    assert ask(gate.port, "POST", "/v1/embeddings", b"{" + b" " * 20000 + b"}").status == 413


@pytest.mark.parametrize("size", [100, 300000])
def test_a_guard_that_cannot_read_a_request_refuses_it(gateway, upstream, size):
    up = upstream(says())
    gate = gateway(up, config=GUARD,
                   routes=route('s.guard(s.target "up/x", { input = { "words" } })'))
    got = send_form(gate.port, FORMS[0], content=bytes(size))
    assert got.status == 403 and got.json()["error"]["code"] == "guard_cannot_read"
    assert not up.requests
    assert ask(gate.port, "GET", "/v1/files").status == 200


def test_a_route_may_let_pass_what_its_guards_cannot_read(gateway, upstream):
    up = upstream(says())
    gate = gateway(up, config=GUARD, routes=route(
        's.guard(s.target "up/x", { input = { "words" }, on_error = "allow" })'))
    assert send_form(gate.port, FORMS[0], content=bytes(300000)).status == 200


def test_a_route_cannot_read_a_streamed_body(gateway, upstream):
    up = upstream(says())
    gate = gateway(up, routes=route('function(req) return s.deny(400, #req:text()) end'))
    assert send_form(gate.port, FORMS[0], content=b"").status == 400
    assert send_form(gate.port, FORMS[0], content=bytes(300000)).status == 500
    gate.wait_line("is streamed")
