"""How calls end that do not end as they should: clients that go, providers that stay or reset, and
what a second attempt must not take over from the first."""

import json
import threading
import time

import pytest

from support.client import Connection, ask, chat, request_bytes
from support.upstream import DONE, chat_events, chat_json, error_json, sse, tells_of_failure
from support.wait import wait_for
from support.wires import wires
from test_routes import fails, has_ended, route, routed, says, text_of  # noqa: F401
from test_translation import HELLO, Place

WIRES = {wire.name: wire for wire in wires()}
CHAT = "/v1/chat/completions"
PINGS = {"openai_chat": b": ping\n\n",
         "anthropic": b'event: ping\ndata: {"type":"ping"}\n\n'}


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    one = Place(tmp_path_factory.mktemp("place"))
    yield one
    one.stop()


# ---- providers


@pytest.mark.parametrize("client", WIRES.values(), ids=[f"for_{name}" for name in WIRES])
@pytest.mark.parametrize("provider", WIRES.values(), ids=WIRES)
def test_a_reset_before_any_output_is_an_error_with_a_status(place, client, provider):
    # Pitfall 39.
    for stream in (False, True):
        for head in (False, True):
            def handler(conn, request, head=head, stream=stream):
                if head:
                    conn.head(content_type=provider.stream_type if stream else "application/json")
                conn.reset()

            place.handler = handler
            answer = place.ask(client, provider, stream=stream)
            assert answer.status == 502, (stream, head, answer.body)
            assert client.read_error(answer.json())


# Whose last frame has no mark behind it is known to be whole when the connection ends.
UNCLOSED = [(how, provider, client) for how in ("reset", "stays") for provider in WIRES
            for client in WIRES
            if how == "reset" or client == provider or provider not in ("gemini", "converse")]


@pytest.mark.parametrize("how, provider, client", UNCLOSED, ids=map("-".join, UNCLOSED))
def test_a_stream_that_is_not_closed_loses_nothing(place, how, provider, client):
    # Pitfall 44: the last frames go out though the connection ends badly, or does not end.
    client, provider = WIRES[client], WIRES[provider]
    done = threading.Event()

    def handler(conn, request):
        conn.head(content_type=provider.stream_type)
        for piece in provider.stream(HELLO):
            conn.chunk(piece)
        if how == "stays":
            done.wait(20)
            conn.end_chunks()
        else:
            time.sleep(0.02)
            conn.reset()

    place.handler = handler
    path, body = client.asks("hi", True, f"{provider.name}/m")
    with Connection(place.gate.port, timeout=20) as connection:
        connection.send(request_bytes("POST", path, body))
        whole = {"openai_chat": b'"finish_reason":"stop"', "anthropic": b"message_stop",
                 "openai_responses": b"response.completed", "gemini": b"STOP",
                 "converse": b"end_turn", "cohere": b"message-end"}[client.name]
        while whole not in connection.received:
            connection.received += connection.sock.recv(65536)
    done.set()


def test_a_ping_of_the_provider_keeps_the_client_alive(place):
    # Pitfall 16.
    for client in WIRES.values():
        for provider in WIRES.values():
            # An AWS event stream has no ping, and Google's SDK takes a comment for an answer.
            if client in (provider, WIRES["converse"], WIRES["gemini"]) or \
                    provider.name not in PINGS:
                continue
            go = threading.Event()
            pieces = provider.stream(HELLO)

            def handler(conn, request, provider=provider, pieces=pieces, go=go):
                ping = PINGS[provider.name]
                conn.head(content_type=provider.stream_type)
                for at, piece in enumerate(pieces):
                    conn.chunk(piece)
                    if b"Hello" in piece:
                        break
                while not go.wait(0.1):
                    conn.chunk(ping)
                for piece in pieces[at + 1:]:
                    conn.chunk(piece)
                conn.end_chunks()

            place.handler = handler
            path, body = client.asks("hi", True, f"{provider.name}/m")
            with Connection(place.gate.port, timeout=20) as connection:
                connection.send(request_bytes("POST", path, body))
                while b"Hello" not in connection.received:
                    connection.received += connection.sock.recv(65536)
                connection.received = b""
                while b"ping" not in connection.received:
                    connection.received += connection.sock.recv(65536)
                go.set()
                rest = connection.received
                while not rest.endswith(b"0\r\n\r\n"):
                    rest += connection.sock.recv(65536)
            assert rest.count(b"ping") < 8
            assert b"there" in rest and b'"error":{' not in rest


def test_the_head_of_a_response_goes_out_with_its_first_event(gateway, upstream):
    # Pitfall 67: before the first token, and an error before it still has a status.
    go, ways = threading.Event(), iter(("good", "bad"))
    created = {"type": "response.created", "sequence_number": 0,
               "response": {"id": "resp_1", "object": "response", "status": "in_progress",
                            "output": [], "model": "m"}}

    def handler(conn, request):
        conn.head(content_type="text/event-stream")
        if next(ways) == "bad":
            conn.chunk(b"event: error\n" + sse({"type": "error", "message": "too busy",
                                                "code": "overloaded", "param": None}))
            conn.end_chunks()
            return
        conn.chunk(b"event: response.created\n" + sse(created))
        assert go.wait(20)
        for piece in WIRES["openai_responses"].stream(HELLO)[1:]:
            conn.chunk(piece)
        conn.end_chunks()

    gate = gateway(providers={"up": {"base_url": upstream(handler).url, "responses": True}})
    path, body = WIRES["openai_responses"].asks("hi", True)
    with Connection(gate.port) as connection:
        connection.send(request_bytes("POST", path, body))
        assert connection.read_head().status == 200
        assert b"response.created" in connection.read_chunk()
        go.set()
    answer = ask(gate.port, "POST", path, body)
    assert answer.status >= 500 and "too busy" in answer.json()["error"]["message"]


@pytest.mark.parametrize("client", [WIRES["openai_chat"], WIRES["anthropic"]],
                         ids=["openai_chat", "anthropic"])
@pytest.mark.parametrize("body", [
    {"code": "Some requested entity was not found", "error": "The model does not exist"},
    {"error": "The model does not exist"},
])
def test_an_error_of_xai_is_one_whatever_its_status(place, client, body):
    # Pitfall 151.
    for status in (200, 404):
        for stream in (False, True):
            place.answers(body, status)
            answer = place.ask(client, WIRES["openai_chat"], stream=stream)
            assert answer.status >= 400, answer.body
            assert "The model does not exist" in client.read_error(answer.json())


# ---- clients


def test_two_answers_on_one_connection_are_told_apart(place):
    # Pitfall 14.
    anthropic, openai = WIRES["anthropic"], WIRES["openai_chat"]
    place.streams(openai.stream(HELLO), openai.stream_type)
    path, body = anthropic.asks("hi", True, "openai_chat/m")
    with Connection(place.gate.port) as connection:
        connection.send(request_bytes("POST", path, body) * 2)
        answers = [connection.read_response(), connection.read_response()]
    for answer in answers:
        assert answer.body.count(b"event: message_start") == 1
        assert answer.body.count(b"event: message_stop") == 1
        assert anthropic.read_stream(answer.body).text == HELLO.text


def asking(stream=True, **more):
    return request_bytes("POST", CHAT, {"model": "up/m", "stream": stream, "messages": [
        {"role": "user", "content": "x"}], **more})


def test_many_clients_that_go_at_once_hold_nobody_up(gateway, upstream):
    # Pitfall 64.
    ended = []

    def handler(conn, request):
        conn.head(content_type="text/event-stream")
        conn.chunk(chat_events(["a"])[1])
        if request.json().get("user") == "stays":
            for _ in range(60):
                conn.chunk(sse({"object": "chat.completion.chunk", "choices": [
                    {"index": 0, "delta": {"content": f"{time.monotonic()} "},
                     "finish_reason": None}]}))
                time.sleep(0.02)
            for piece in chat_events([])[1:]:
                conn.chunk(piece)
            conn.end_chunks()
            return
        conn.wait_closed(30)
        ended.append(True)

    gate = gateway(upstream(handler))
    clients = [Connection(gate.port) for _ in range(150)]
    for client in clients:
        client.send(asking())
    for client in clients:
        client.read_head()
    with Connection(gate.port) as stays:
        stays.send(asking(user="stays"))
        stays.read_head()
        for client in clients:
            client.reset()
        waits = []
        while DONE not in stays.received:
            chunk = stays.read_chunk()
            stays.received += chunk
            for line in chunk.split(b"\n"):
                if line.startswith(b"data: {") and b'"content":"' in line:
                    text = json.loads(line[6:])["choices"][0]["delta"]["content"].split()
                    waits += [time.monotonic() - float(word) for word in text if word != "a"]
    assert len(waits) == 60 and max(waits) < 1, max(waits)
    wait_for(lambda: len(ended) == 150, "all calls to be ended")


def gauge(gate, part):
    return sum(value for name, value in gate.metrics().items() if part in name)


@pytest.mark.usefixtures("no_quarantine")
def test_what_a_failing_stage_held_is_given_back(gateway, upstream):
    # Pitfall 65: connections, requests and their memory.
    ended = []

    def handler(conn, request):
        conn.head(content_type="text/event-stream")
        try:
            for piece in chat_events(["x" * 50000] * 4)[:4]:
                conn.chunk(piece)
            conn.wait_closed(30)
        finally:
            ended.append(True)

    source = {"r.lua": 'local s = require "headgate"\nlocal up = s.target "up/m"\n'
                       f'return s.route {{ path = "{CHAT}", handler = function(req) local resp, err '
                       '= up(req) if not resp then return nil, err end '
                       'return resp:map(function(text) error "no" end) end }'}
    gate = gateway(upstream(handler), routes=source)

    def resident():
        pid = gate.processes()[0]
        with open(f"/proc/{pid}/statm", encoding="ascii") as file:
            return int(file.read().split()[1]) * 4096

    for count in range(1, 301):
        assert tells_of_failure(chat(gate.port, stream=True).body)
        if count == 100:
            before = resident()
    wait_for(lambda: len(ended) == 300, "all calls to be ended")
    assert len(gate.wait_records(300)) == 300
    assert resident() - before < 8 << 20  # what they said is 40 MB


def test_what_still_reads_a_cancelled_request_sees_it_whole(routed):  # noqa: F811
    # Pitfall 66: a shadow goes on sending the body of a client that has gone.
    bodies, go = [], threading.Event()

    def shadow(conn, request):
        bodies.append(request.json()["messages"][0]["content"])
        conn.answer(chat_json())

    def live(conn, request):
        conn.wait_closed(20)

    gate, ups = routed(route('s.shadow(s.target "a/m", { to = s.target "b/m", sample = 1 })'),
                       a=live, b=shadow)
    texts = [str(i) * (1 << 20) for i in range(4)]
    for text in texts:
        with Connection(gate.port) as client:
            client.send(request_bytes("POST", CHAT, {"model": "m", "messages": [
                {"role": "user", "content": text}]}))
            wait_for(lambda: ups["a"].requests, "the live call")
            ups["a"].requests.clear()
            client.reset()
    wait_for(lambda: len(bodies) == 4, "the shadows")
    assert sorted(bodies) == texts
    go.set()


@pytest.mark.parametrize("wire", WIRES.values(), ids=WIRES)
@pytest.mark.parametrize("why", ["gone", "timeout"])
def test_what_was_said_before_the_end_is_charged(gateway, upstream, wire, why):
    # Pitfall 148: as an estimate, the same for who has gone and for what took too long.
    def handler(conn, request):
        conn.head(content_type="text/event-stream")
        for piece in chat_events(["word "] * 12)[:13]:
            conn.chunk(piece)
        conn.wait_closed(30)

    gate = gateway(providers={"up": {"base_url": upstream(handler).url, "timeouts": {"idle": "1s"}}})
    path, body = wire.asks("a question of some words", True, "up/m")
    with Connection(gate.port, timeout=20) as client:
        client.send(request_bytes("POST", path, body))
        while client.received.count(b"word ") < 12:
            client.received += client.sock.recv(65536)
        if why == "gone":
            client.reset()
        else:
            while b"rror" not in client.received and b"xception" not in client.received:
                client.received += client.sock.recv(65536)
    usage = gate.wait_records()[0]["usage"]
    assert usage["estimated"] is True
    assert 3 <= usage["input"] <= 40 and 8 <= usage["output"] <= 30, usage


# ---- second attempts


def test_a_quota_that_is_used_up_is_not_asked_again(routed):  # noqa: F811
    # Pitfall 155: no retry, and the next target at once.
    def spent(conn, request):
        conn.answer(error_json("You exceeded your current quota", "insufficient_quota",
                               "insufficient_quota"), 429)

    gate, ups = routed(route('s.fallback { s.retry(s.target "a/m", { attempts = 3, backoff = '
                             '{ "5ms", "9ms" } }), s.target "b/m" }'),
                       a=spent, b=says("second"))
    assert text_of(chat(gate.port)) == "second"
    assert len(ups["a"].requests) == 1
    gate, ups = routed(route('s.retry(s.target "a/m", { attempts = 3, backoff = '
                             '{ "5ms", "9ms" } })'), a=spent)
    answer = chat(gate.port)
    assert answer.status == 429 and len(ups["a"].requests) == 1
    assert answer.header("x-should-retry") == "false"


def test_a_quota_that_is_used_up_cools_the_target(routed):  # noqa: F811
    # Pitfall 155.
    def spent(conn, request):
        conn.answer(error_json("You exceeded your current quota", "insufficient_quota",
                               "insufficient_quota"), 429)

    gate, ups = routed(
        route('s.balance { s.target "a/m", s.target "b/m", eject = { errors = 5, within = "10s", '
              'rest = "10s" } }'), a=spent, b=says("second"))
    statuses = [chat(gate.port).status for _ in range(30)]
    assert statuses.count(429) == len(ups["a"].requests) == 1, statuses


def test_each_attempt_is_counted_once(routed):  # noqa: F811
    # Pitfall 156: a fallback has the attempts that the route has written, and no others.
    retry = '{ attempts = 2, backoff = { "5ms", "9ms" } }'
    for handler, counts in [
        (f's.fallback {{ s.retry(s.target "a/m", {retry}), s.target "b/m" }}', (2, 1)),
        (f's.fallback {{ s.target "a/m", s.retry(s.target "b/m", {retry}) }}', (1, 2)),
        (f's.retry(s.fallback {{ s.target "a/m", s.target "b/m" }}, {retry})', (2, 2)),
    ]:
        gate, ups = routed(route(handler), a=fails(503), b=fails(503))
        assert chat(gate.port).status == 503
        assert (len(ups["a"].requests), len(ups["b"].requests)) == counts, handler


@pytest.mark.parametrize("path, body, content_type", [
    ("/v1/images/generations", {"model": "x", "prompt": "a cat"}, "application/json"),
    ("/v1/images/edits", b'--B\r\nContent-Disposition: form-data; name="model"\r\n\r\nx\r\n--B\r\n'
     b'Content-Disposition: form-data; name="image"; filename="a.png"\r\n\r\nPNG\r\n--B--\r\n',
     "multipart/form-data; boundary=B"),
    ("/v1/audio/speech", {"model": "x", "input": "hi", "voice": "v"}, "application/json"),
    ("/v1/embeddings", {"model": "x", "input": "hi"}, "application/json"),
    ("/v1/rerank", {"model": "x", "query": "q", "documents": ["a"]}, "application/json"),
    ("/v1/moderations", {"model": "x", "input": "hi"}, "application/json"),
])
def test_what_is_no_chat_has_a_fallback_too(routed, path, body, content_type):  # noqa: F811
    # Pitfall 157.
    answer = {"object": "list", "data": [{"object": "embedding", "index": 0, "embedding": [1]}],
              "model": "m", "usage": {"prompt_tokens": 1, "total_tokens": 1}}
    gate, ups = routed(
        {"r.lua": 'local s = require "headgate"\nreturn s.route { path = "%s", handler = '
                  's.fallback { s.target "a/m", s.target "b/n" } }' % path},
        a=fails(503), b=lambda conn, request: conn.answer(answer))
    got = ask(gate.port, "POST", path, body, headers=[("Content-Type", content_type)])
    assert got.status == 200 and got.json() == answer, got.body
    assert len(ups["a"].requests) == 1 and len(ups["b"].requests) == 1
    assert ups["b"].requests[0].target == path


def test_fields_of_a_failed_attempt_are_forgotten(routed):  # noqa: F811
    # Pitfall 158.
    leak = [("x-first", "1"), ("x-ratelimit-remaining-requests", "0"), ("Retry-After", "7"),
            ("x-request-id", "first"), ("Content-Encoding", "identity")]
    gate, _ = routed(route('s.fallback { s.target "a/m", s.target "b/m" }'),
                     a=fails(429, leak), b=says("second"))
    for stream in (False, True):
        answer = chat(gate.port, stream=stream)
        assert text_of(answer) == "second"
        for name, _ in leak:
            assert answer.header(name) is None, name
    gate, _ = routed(route('s.fallback { s.target "a/m", s.target "b/m" }'),
                     a=fails(429, leak), b=fails(503))
    answer = chat(gate.port)
    assert answer.status == 503
    for name, _ in leak:
        assert answer.header(name) is None, name


@pytest.mark.parametrize("on, status, goes_on", [
    ("on = { 429 }", 429, True), ("on = { 429 }", 503, False), ("on = { 418 }", 418, True),
    ('on = { "rate_limited" }', 429, True), ('on = { "rate_limited" }', 500, False),
    ('on = "any_error"', 400, True), ("on = { 404, 410 }", 410, True), ("", 404, False),
])
def test_a_fallback_goes_by_the_status_that_it_is_told(routed, on, status, goes_on):  # noqa: F811
    # Pitfall 159.
    gate, ups = routed(route(f's.fallback {{ s.target "a/m", s.target "b/m", {on} }}'),
                       a=fails(status), b=says("second"))
    answer = chat(gate.port)
    assert (answer.status == 200) == goes_on, answer.body
    assert bool(ups["b"].requests) == goes_on
    if not goes_on:
        assert answer.status == status


# ---- keys


def test_a_key_of_google_is_nowhere_to_be_read(gateway, upstream):
    # Pitfall 162: it goes in a field, and what says it back or has it in a URL is masked.
    def handler(conn, request):
        key = request.header("x-goog-api-key")
        assert key == "sk-canary-upstream-key" and "key=" not in request.target
        conn.answer({"error": {"code": 400, "status": "INVALID_ARGUMENT", "message":
                     f"POST https://g/v1beta/models/m:generateContent?key={key}: {key} is bad"}},
                    400)

    up = upstream(handler)
    gate = gateway(providers={"g": {"plugin": "google", "base_url": up.url}},
                   config='log_level "debug"')
    answers = [chat(gate.port, model="g/m"),
               ask(gate.port, "POST", "/v1beta/models/g/m:generateContent?key=sk-canary-client",
                   {"contents": [{"parts": [{"text": "hi"}]}]})]
    for answer in answers:
        assert answer.status == 400 and b"is bad" in answer.body
        assert b"sk-canary" not in answer.body
    gate.wait_records(2)
    assert "sk-canary" not in gate.everything_written()
