"""The client's side of the gateway: connections, framing, limits, slowness."""

import json
import time

import pytest

from support.client import Connection, Gone, ask, chat, request_bytes
from support.upstream import chat_json, chat_events
from support.wait import wait_for

CHAT = "/v1/chat/completions"
HELLO = {"model": "up/m", "messages": [{"role": "user", "content": "Hello"}]}


def test_a_connection_carries_many_requests(gateway, upstream):
    with Connection(gateway(upstream()).port) as client:
        for _ in range(5):
            assert client.request("POST", CHAT, HELLO).status == 200
            assert client.request("POST", CHAT, {**HELLO, "stream": True}).complete


def test_upstream_connections_are_used_again(gateway, upstream):
    up = upstream()
    port = gateway(up).port
    for _ in range(6):
        assert chat(port).status == 200
    assert len(up.connections) == 1


def test_pipelined_requests_are_answered_in_order(gateway, upstream):
    up = upstream(lambda conn, request: conn.answer(chat_json(request.json()["user"])))
    with Connection(gateway(up).port) as client:
        client.send(b"".join(request_bytes("POST", CHAT, {**HELLO, "user": f"u{i}"})
                             for i in range(8)))
        texts = [client.read_response().json()["choices"][0]["message"]["content"]
                 for _ in range(8)]
    assert texts == [f"u{i}" for i in range(8)]


def test_a_request_may_come_byte_by_byte(gateway, upstream):
    with Connection(gateway(upstream()).port) as client:
        client.send_slowly(request_bytes("POST", CHAT, HELLO))
        assert client.read_response().status == 200


def test_a_chunked_request_is_read(gateway, upstream):
    up = upstream()
    text = json.dumps(HELLO).encode()
    with Connection(gateway(up).port) as client:
        client.send(request_bytes("POST", CHAT, headers={"Transfer-Encoding": "chunked",
                                                         "Content-Type": "application/json"}))
        for at in range(0, len(text), 7):
            client.send(b"%x;ext=1\r\n%s\r\n" % (len(text[at : at + 7]), text[at : at + 7]))
        client.send(b"0\r\nX-Trailer: 1\r\n\r\n")
        assert client.read_response().status == 200
    assert up.requests[0].json()["messages"] == HELLO["messages"]


def test_expect_continue_is_answered_before_the_body(gateway, upstream):
    text = json.dumps(HELLO).encode()
    with Connection(gateway(upstream()).port) as client:
        client.send(request_bytes("POST", CHAT, headers={
            "Expect": "100-continue", "Content-Length": len(text),
            "Content-Type": "application/json"}))
        assert client.read_head().status == 100
        client.send(text)
        assert client.read_response().status == 200


def test_expect_continue_is_refused_without_reading_what_is_too_large(gateway, upstream):
    gate = gateway(upstream(), config='limits { max_body = "4KB" }')
    with Connection(gate.port) as client:
        client.send(request_bytes("POST", CHAT, headers={
            "Expect": "100-continue", "Content-Length": 10_000,
            "Content-Type": "application/json"}))
        assert client.read_head().status == 413


def test_head_has_the_fields_and_no_body(gateway, upstream):
    listing = {"object": "list", "data": []}
    gate = gateway(upstream(lambda conn, request: conn.answer(
        b"" if request.method == "HEAD" else listing)))
    with Connection(gate.port) as client:
        head = client.request("HEAD", "/v1/models")
        assert head.body == b""
        assert client.request("POST", CHAT, HELLO).status in (200, 502)
        assert client.received.count(b"HTTP/1.1") == 2


def test_http_1_0_gets_no_chunks_and_a_close(gateway, upstream):
    with Connection(gateway(upstream()).port) as client:
        client.send(request_bytes("POST", CHAT, {**HELLO, "stream": True}).replace(
            b"HTTP/1.1", b"HTTP/1.0"))
        message = client.read_head()
        assert message.header("transfer-encoding") is None
        assert client.read_to_end().endswith(b"data: [DONE]\n\n")


def test_connection_close_is_obeyed(gateway, upstream):
    with Connection(gateway(upstream()).port) as client:
        answer = client.request("POST", CHAT, HELLO, {"Connection": "close"})
        assert answer.header("connection") == "close"
        client.wait_closed()


@pytest.mark.parametrize("path, status", [("/nothing", 404), ("/v1/../secret", 404), ("*", 404)])
def test_an_unknown_path_is_a_404_in_the_apis_form(gateway, upstream, path, status):
    answer = ask(gateway(upstream()).port, "GET", path)
    assert answer.status in (status, 400)
    assert "message" in answer.json()["error"]


@pytest.mark.parametrize("body, words", [
    (b'{"model": "up/m", ', "JSON"), (b"[]", "object"), (b'"x"', "object"), (b"", "JSON"),
    (b'{"model":"up/m","messages":[{"role":"user","content":"\xff"}]}', "JSON"),
])
def test_a_body_that_is_no_document_is_a_400_that_says_why(gateway, upstream, body, words):
    answer = ask(gateway(upstream()).port, "POST", CHAT, body)
    assert answer.status == 400
    assert words in answer.json()["error"]["message"]


def test_limits_have_their_own_answers(gateway, upstream):
    gate = gateway(upstream(), config=
                   'limits { max_body = "2KB", max_head = "64KB", max_header_count = 20 }')
    cases = {
        413: request_bytes("POST", CHAT, b"x" * 5000),
        414: request_bytes("GET", "/v1/" + "a" * 20_000),
        431: request_bytes("GET", "/v1/models", headers={"X-Long": "a" * 80_000}),
    }
    for status, data in cases.items():
        with Connection(gate.port) as client:
            client.send(data)
            answer = client.read_response()
            assert answer.status == status
            assert "message" in answer.json()["error"]
            client.wait_closed()
    with Connection(gate.port) as client:
        many = [(f"x-{i}", "1") for i in range(40)]
        client.send(request_bytes("GET", "/v1/models", headers=many))
        assert client.read_response().status == 431
    assert chat(gate.port).status == 200


def test_a_chunked_body_has_the_same_limit(gateway, upstream):
    gate = gateway(upstream(), config='limits { max_body = "2KB" }')
    with Connection(gate.port) as client:
        client.send(request_bytes("POST", CHAT, headers={"Transfer-Encoding": "chunked"}))
        client.send(b"1000\r\n" + b"x" * 4096 + b"\r\n")
        assert client.read_response().status == 413


def test_a_slow_head_is_ended_by_its_deadline(gateway, upstream):
    gate = gateway(upstream(), config='limits { header_timeout = "200ms" }')
    with Connection(gate.port) as client:
        client.send(b"POST /v1/chat/completions HTTP/1.1\r\nHo")
        began = time.monotonic()
        data = client.read_to_end()
        assert time.monotonic() - began < 8
        assert data == b"" or b" 408 " in data.split(b"\r\n")[0] + b" "


def test_a_slow_body_is_ended_by_its_deadline(gateway, upstream):
    gate = gateway(upstream(), config='limits { body_timeout = "200ms" }')
    with Connection(gate.port) as client:
        client.send(request_bytes("POST", CHAT, headers={"Content-Length": 100}) + b"{")
        data = client.read_to_end()
        assert data == b"" or b" 408 " in data.split(b"\r\n")[0] + b" "


def test_an_idle_connection_is_closed(gateway, upstream):
    gate = gateway(upstream(), config='limits { idle_timeout = "200ms" }')
    with Connection(gate.port) as client:
        assert client.request("POST", CHAT, HELLO).status == 200
        assert client.read_to_end() == b""


def test_a_client_that_takes_nothing_is_dropped_and_frees_the_upstream(gateway, upstream):
    ended = []

    def flood(conn, request):
        conn.head(content_type="text/event-stream")
        event = chat_events(["x" * 60_000])[1]
        try:
            while True:
                conn.chunk(event)
        except OSError:
            ended.append(True)
            raise Gone("client") from None

    gate = gateway(upstream(flood), config='limits { write_timeout = "300ms" }')
    with Connection(gate.port, receive_buffer=4096) as client:
        client.send(request_bytes("POST", CHAT, {**HELLO, "stream": True}))
        wait_for(lambda: ended, "the upstream to be closed", 15)
    assert gate.wait_records()


def test_a_client_that_goes_before_the_answer_ends_the_upstream_call(gateway, upstream):
    # Pitfall 62.
    seen = []

    def silent(conn, request):
        conn.wait_closed(20)
        seen.append(True)

    up = upstream(silent)
    gate = gateway(up)
    client = Connection(gate.port)
    client.send(request_bytes("POST", CHAT, HELLO))
    wait_for(lambda: up.requests, "the upstream to be asked")
    client.close()
    wait_for(lambda: seen, "the upstream connection to be closed")
    record = gate.wait_records()[0]
    assert "499" in json.dumps(record) or "cancel" in json.dumps(record)


def test_a_client_that_goes_in_mid_stream_ends_the_upstream_call(gateway, upstream):
    # Pitfall 63.
    seen = []

    def half(conn, request):
        conn.head(content_type="text/event-stream")
        for event in chat_events(["a"])[:2]:
            conn.chunk(event)
        conn.wait_closed(20)
        seen.append(True)

    gate = gateway(upstream(half))
    client = Connection(gate.port)
    client.send(request_bytes("POST", CHAT, {**HELLO, "stream": True}))
    client.read_head()
    client.read_chunk()
    client.reset()
    wait_for(lambda: seen, "the upstream connection to be closed")
    assert gate.wait_records()


def test_many_clients_at_once_are_all_answered(gateway, upstream):
    up = upstream()
    gate = gateway(up, workers=2)
    clients = [Connection(gate.port) for _ in range(60)]
    for i, client in enumerate(clients):
        client.send(request_bytes("POST", CHAT, {**HELLO, "stream": i % 2 == 0}))
    for client in clients:
        answer = client.read_response()
        assert answer.status == 200 and answer.complete
        client.close()
    assert len(gate.wait_records(60)) == 60


def test_too_many_connections_are_told_so(gateway, upstream):
    gate = gateway(upstream(), config="limits { max_connections = 4 }")
    clients = [Connection(gate.port) for _ in range(10)]
    for client in clients:
        client.send(request_bytes("POST", CHAT, HELLO))
    statuses = []
    for client in clients:
        try:
            statuses.append(client.read_response().status)
        except Exception:
            statuses.append(None)
        client.close()
    assert statuses.count(200) >= 4
    assert set(statuses) <= {200, 503, None}
    assert chat(gate.port).status == 200
