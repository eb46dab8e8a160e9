"""What an upstream can do wrong, and what the client and the record hear of it."""

import json
import time

import pytest

from support.client import Connection, Gone, chat, request_bytes
from support.upstream import (
    DONE,
    answer_bytes,
    chat_events,
    chat_json,
    chunk_of,
    error_json,
    sse,
)
from support.wait import wait_for

CHAT = "/v1/chat/completions"


def stream_error(answer):
    """The error event that must be the last, and nothing like [DONE] with a whole answer."""
    data = [data for _, data in answer.events()]
    errors = [json.loads(item) for item in data if item != "[DONE]"]
    return errors[-1].get("error")


def finish_reasons(answer):
    return [choice["finish_reason"] for _, data in answer.events() if data != "[DONE]"
            for choice in json.loads(data).get("choices", []) if choice["finish_reason"]]


# ---- errors that an upstream reports


@pytest.mark.parametrize("status", [400, 401, 403, 404, 413, 422, 429, 500, 502, 503, 529])
def test_an_error_keeps_its_status_and_its_body(gateway, upstream, status):
    body = error_json("because", "some_type", "some_code")
    up = upstream(lambda conn, request: conn.answer(body, status, headers=[("Retry-After", "3")]))
    gate = gateway(up)
    answer = chat(gate.port)
    assert answer.status in (status, 502, 503 if status == 529 else status)
    assert "because" in answer.json()["error"]["message"]
    if status == 429:
        assert answer.header("retry-after") == "3"
    assert gate.wait_records()[0]


def test_the_keys_of_our_own_account_are_no_fault_of_the_client(gateway, upstream):
    """A 401 says that the gateway's key is wrong; it must not repeat the key."""
    body = error_json("Incorrect API key provided: sk-canary-upstream-key.",
                      "invalid_request_error", "invalid_api_key")
    answer = chat(gateway(upstream(lambda conn, request: conn.answer(body, 401))).port)
    assert answer.status >= 400
    assert b"sk-canary-upstream-key" not in answer.body


def test_an_error_page_is_turned_into_an_error_object(gateway, upstream):
    up = upstream(lambda conn, request: conn.answer(
        b"<html><h1>503 Service Unavailable</h1></html>", 503, "text/html"))
    answer = chat(gateway(up).port)
    assert answer.status == 503
    assert answer.header("content-type").startswith("application/json")
    assert answer.json()["error"]["message"]


@pytest.mark.parametrize("stream", [False, True])
def test_an_error_inside_a_200_is_an_error(gateway, upstream, stream):
    def handler(conn, request):
        if stream:
            conn.stream([sse(error_json("hidden"))])
        else:
            conn.answer(error_json("hidden"))

    answer = chat(gateway(upstream(handler)).port, stream=stream)
    assert answer.status >= 400
    assert "hidden" in answer.json()["error"]["message"]


@pytest.mark.parametrize("body, content_type", [
    (b"<html>welcome</html>", "text/html"), (b"{}", "application/json"), (b"", "application/json"),
    (b"[1]", "application/json"), (b'{"choices": [', "application/json"), (b"null", "text/plain"),
])
@pytest.mark.parametrize("stream", [False, True])
def test_a_200_that_is_no_answer_is_a_bad_gateway(gateway, upstream, body, content_type, stream):
    up = upstream(lambda conn, request: conn.answer(body, 200, content_type))
    answer = chat(gateway(up).port, stream=stream)
    assert answer.status == 502
    assert answer.json()["error"]["type"] == "upstream_protocol_error" or answer.json()["error"]


@pytest.mark.parametrize("body", [b"data: nonsense\n\n", b"data: [DONE]\n\n", b"", b": ping\n\n",
                                  b"event: x\n\n", b"data: {\"a\":"])
def test_a_stream_that_is_none_is_a_bad_gateway(gateway, upstream, body):
    up = upstream(lambda conn, request: conn.answer(body, 200, "text/event-stream"))
    answer = chat(gateway(up).port, stream=True)
    assert answer.status == 502


@pytest.mark.parametrize("raw", [
    b"\x16\x03\x01garbage\r\n\r\n", b"HTTP/1.1 abc OK\r\n\r\n",
    b"HTTP/1.1 200 OK\r\nbad line\r\n\r\n",
    b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nhello!",
    b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nContent-Type: application/json\r\n\r\n"
    b"xyz\r\n",
    b"HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\nx", b"HTTP/9.9 200 OK\r\n\r\n",
    b"HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n",
    # Its name goes into the environment of what is started, where it must have room.
    pytest.param(b"HTTP/1.1 200 OK\r\nX: " + b"a" * 300_000, id="a field without end"), b"",
])
def test_what_is_no_http_is_a_bad_gateway(gateway, upstream, raw):
    def handler(conn, request):
        conn.send(raw)
        conn.close()

    assert chat(gateway(upstream(handler)).port).status == 502


# ---- connections that break


def test_nobody_listening_is_a_bad_gateway(gateway, upstream):
    import socket

    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    answer = chat(gateway(providers={"up": f"http://127.0.0.1:{port}/v1"}).port)
    assert answer.status == 502
    assert answer.json()["error"]["type"] == "upstream_unreachable"


def test_an_answer_cut_at_every_byte_is_never_taken_for_whole(gateway, upstream):
    whole = answer_bytes(json.dumps(chat_json("hi", usage=None)).encode())
    cut = [0]

    def handler(conn, request):
        conn.send(whole[: cut[0]])
        conn.close()

    gate = gateway(upstream(handler))
    for at in range(0, len(whole)):
        cut[0] = at
        answer = chat(gate.port)
        assert answer.status == 502, f"cut at {at} of {len(whole)}: {answer.status}"
    cut[0] = len(whole)
    assert chat(gate.port).status == 200
    assert len(gate.wait_records(len(whole) + 1)) == len(whole) + 1


@pytest.mark.parametrize("how", ["close", "reset"])
def test_a_stream_cut_at_every_byte_is_never_taken_for_whole(gateway, upstream, how):
    events = chat_events(["a", "b"], usage=False)
    body = b"".join(b"%x\r\n%s\r\n" % (len(event), event) for event in events) + b"0\r\n\r\n"
    whole = (b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n"
             b"Transfer-Encoding: chunked\r\n\r\n" + body)
    cut = [0]

    def handler(conn, request):
        conn.send(whole[: cut[0]])
        getattr(conn, how)()

    gate = gateway(upstream(handler))
    step = 1 if how == "close" else 17
    for at in range(0, len(whole) + 1, step):
        cut[0] = at
        with Connection(gate.port) as client:
            client.send(request_bytes("POST", CHAT, {
                "model": "up/m", "stream": True, "messages": [{"role": "user", "content": "x"}]}))
            answer = client.read_response()
        finished = b'"finish_reason":"stop"' in whole[:at]
        place = f"cut at {at} of {len(whole)}"
        assert answer.complete, place
        if answer.status != 200:
            assert answer.status == 502, place
        elif stream_error(answer):
            assert not finish_reasons(answer) or at < len(whole), place
        else:
            assert finished, f"{place}: a cut stream looks whole"
    assert len(gate.wait_records()) >= 1


def test_a_stream_that_breaks_ends_with_an_error_event_and_no_finish(gateway, upstream):
    def handler(conn, request):
        conn.stream(chat_events(["a", "b"])[:3], end=False)
        conn.reset()

    gate = gateway(upstream(handler))
    answer = chat(gate.port, stream=True)
    assert answer.status == 200 and answer.complete
    assert stream_error(answer)["message"]
    assert finish_reasons(answer) == []
    assert answer.body.endswith(b"\n\n")
    record = json.dumps(gate.wait_records()[0])
    assert "protocol" in record or "truncated" in record or "upstream" in record


def test_a_stream_without_a_finish_reason_is_not_called_complete(gateway, upstream):
    events = chat_events(["a", "b"], usage=False)[:3]
    answer = chat(gateway(upstream(lambda conn, request: conn.stream(events))).port, stream=True)
    assert stream_error(answer), answer.body


def test_a_finished_stream_without_done_gets_one(gateway, upstream):
    events = chat_events(["a"], usage=False, done=False)
    answer = chat(gateway(upstream(lambda conn, request: conn.stream(events))).port, stream=True)
    assert answer.body == b"".join(events) + DONE


def test_an_error_event_in_mid_stream_is_the_last_word(gateway, upstream):
    events = [*chat_events(["a"])[:2], sse(error_json("tripped"))]
    gate = gateway(upstream(lambda conn, request: conn.stream(events)))
    answer = chat(gate.port, stream=True)
    assert stream_error(answer)["message"] == "tripped"
    assert answer.body.count(b'"error"') == 1
    assert "tripped" in json.dumps(gate.wait_records()[0]) or gate.records()[0]


def test_a_stale_pooled_connection_is_replaced_without_a_word(gateway, upstream):
    def handler(conn, request):
        conn.answer(chat_json())
        if conn.number == 0:
            conn.close()

    up = upstream(handler)
    port = gateway(up).port
    assert chat(port).status == 200
    wait_for(lambda: up.connections and up.connections[0].sock.fileno() < 0,
             "the upstream to close")
    assert chat(port).status == 200
    assert len(up.connections) == 2


def test_a_pooled_connection_that_dies_under_a_request_is_retried_once(gateway, upstream):
    """The server closes at the very moment in which the next request arrives."""
    count = [0]

    def handler(conn, request):
        count[0] += 1
        if count[0] == 2:
            conn.reset()
        else:
            conn.answer(chat_json())

    up = upstream(handler)
    port = gateway(up).port
    assert chat(port).status == 200
    assert chat(port).status == 200
    assert count[0] == 3


def test_a_fresh_connection_that_dies_is_not_retried_blindly(gateway, upstream):
    up = upstream(lambda conn, request: conn.reset())
    assert chat(gateway(up).port).status == 502
    assert len(up.requests) == 1


# ---- deadlines


def timed(gate, **more):
    began = time.monotonic()
    answer = chat(gate.port, **more)
    return answer, time.monotonic() - began


def with_timeouts(up, **timeouts):
    return {"up": {"base_url": up.url, "timeouts": {k: f"{v}ms" for k, v in timeouts.items()}}}


def test_the_deadline_for_the_connection(gateway):
    # An address that nobody answers: the documentation network of RFC 5737.
    providers = {"up": {"base_url": "http://192.0.2.1:9/v1", "timeouts": {"connect": "200ms"}}}
    answer, seconds = timed(gateway(providers=providers))
    assert answer.status in (502, 504) and seconds < 8


def test_the_deadline_for_the_first_byte(gateway, upstream):
    up = upstream(lambda conn, request: conn.wait_closed(20))
    answer, seconds = timed(gateway(providers=with_timeouts(up, first_byte=200)))
    assert answer.status == 504 and 0.15 < seconds < 8
    assert answer.json()["error"]["type"] == "upstream_timeout"


def test_the_deadline_for_the_first_event(gateway, upstream):
    def handler(conn, request):
        conn.head(content_type="text/event-stream")
        conn.chunk(b": still thinking\n\n")
        conn.wait_closed(20)

    up = upstream(handler)
    answer, seconds = timed(gateway(providers=with_timeouts(up, first_event=200)), stream=True)
    assert answer.status == 504 and 0.15 < seconds < 8


def test_the_deadline_between_two_pieces(gateway, upstream):
    def handler(conn, request):
        conn.head(content_type="text/event-stream")
        for event in chat_events(["a"])[:2]:
            conn.chunk(event)
        conn.wait_closed(20)

    up = upstream(handler)
    answer, seconds = timed(gateway(providers=with_timeouts(up, idle=200)), stream=True)
    assert answer.status == 200 and 0.15 < seconds < 8
    assert stream_error(answer)["type"] == "upstream_timeout"


def test_the_deadline_for_the_whole_answer(gateway, upstream):
    def handler(conn, request):
        conn.head(content_type="text/event-stream")
        conn.chunk(sse(chunk_of({"role": "assistant", "content": "a"})))
        try:
            while not conn.is_closed(0.02):
                conn.chunk(sse(chunk_of({"content": "b"})))
        except OSError:
            raise Gone("closed") from None

    up = upstream(handler)
    answer, seconds = timed(gateway(providers=with_timeouts(up, total=400)), stream=True)
    assert answer.status == 200 and 0.3 < seconds < 8
    assert stream_error(answer)["type"] == "upstream_timeout"


# ---- endless things


def test_an_endless_head_is_given_up(gateway, upstream):
    def handler(conn, request):
        conn.send(b"HTTP/1.1 200 OK\r\n")
        try:
            while True:
                conn.send(b"X-More: " + b"a" * 100 + b"\r\n")
        except OSError:
            raise Gone("closed") from None

    assert chat(gateway(upstream(handler)).port).status == 502


def test_an_endless_event_is_given_up(gateway, upstream):
    def handler(conn, request):
        conn.head(content_type="text/event-stream")
        conn.chunk(sse(chunk_of({"role": "assistant", "content": "a"})))
        conn.chunk(b'data: {"choices":[{"delta":{"content":"')
        try:
            while True:
                conn.chunk(b"x" * 65536)
        except OSError:
            raise Gone("closed") from None

    answer = chat(gateway(upstream(handler)).port, stream=True, timeout=40)
    assert answer.status == 200
    assert stream_error(answer)


def test_an_endless_whole_body_is_given_up(gateway, upstream):
    def handler(conn, request):
        conn.head()
        try:
            while True:
                conn.chunk(b" " * 65536)
        except OSError:
            raise Gone("closed") from None

    assert chat(gateway(upstream(handler)).port, timeout=40).status == 502
