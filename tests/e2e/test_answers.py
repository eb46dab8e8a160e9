"""What goes through unchanged, what is changed on the way, and what is added."""

import json

from support.client import Connection, ask, chat, request_bytes
from support.upstream import (
    DONE,
    chat_events,
    chat_json,
    chunk_of,
    error_json,
    sse,
    usage_chunk,
    usage_of,
)

CHAT = "/v1/chat/completions"


def sent(up, number=-1):
    return up.requests[number].json()


def test_a_plain_chat_is_answered(gateway, upstream):
    up = upstream()
    answer = chat(gateway(up).port)
    assert answer.status == 200
    assert answer.json() == chat_json()
    assert up.requests[0].target == "/v1/chat/completions"
    assert sent(up)["messages"] == [{"role": "user", "content": "Hello"}]


def test_a_stream_is_answered_event_by_event(gateway, upstream):
    events = chat_events(["a", "b", "c"], usage=False)
    up = upstream(lambda conn, request: conn.stream(events))
    answer = chat(gateway(up).port, stream=True)
    assert answer.header("content-type").startswith("text/event-stream")
    assert answer.body == b"".join(events)


def test_events_are_passed_on_as_they_come(gateway, upstream):
    """The second event is sent only when the client has the first one."""
    import threading

    got_first = threading.Event()

    def slow(conn, request):
        conn.head(content_type="text/event-stream")
        conn.chunk(sse(chunk_of({"role": "assistant", "content": "a"})))
        assert got_first.wait(10)
        for event in [sse(chunk_of({"content": "b"})), sse(chunk_of({}, "stop")), DONE]:
            conn.chunk(event)
        conn.end_chunks()

    with Connection(gateway(upstream(slow)).port) as client:
        client.send(request_bytes("POST", CHAT, {"model": "up/m", "stream": True, "messages": [
            {"role": "user", "content": "x"}]}))
        client.read_head()
        assert b'"a"' in client.read_chunk()
        got_first.set()
        rest = b""
        while chunk := client.read_chunk():
            rest += chunk
        assert rest.endswith(DONE)


def test_embeddings_completions_and_models_pass(gateway, upstream):
    answers = {
        "/v1/embeddings": {"object": "list", "model": "m", "data": [
            {"object": "embedding", "index": 0, "embedding": [0.25, -1]}], "usage": usage_of(2, 0)},
        "/v1/completions": {"id": "c", "object": "text_completion", "created": 1, "model": "m",
                            "choices": [{"index": 0, "text": "x", "finish_reason": "stop"}],
                            "usage": usage_of(1, 1)},
    }
    up = upstream(lambda conn, request: conn.answer(answers[request.target]))
    port = gateway(up).port
    for path, document in answers.items():
        asked = {"model": "up/m", "input" if "emb" in path else "prompt": "x"}
        assert ask(port, "POST", path, asked).json() == document


def test_the_list_of_models_is_answered(gateway, upstream):
    listing = {"object": "list", "data": [{"id": "m-1", "object": "model", "created": 1,
                                           "owned_by": "x"}]}
    up = upstream(lambda conn, request: conn.answer(listing))
    answer = ask(gateway(up).port, "GET", "/v1/models")
    assert answer.status == 200
    assert any("m-1" in model["id"] for model in answer.json()["data"])


def test_only_the_model_is_spliced_and_every_other_byte_travels(gateway, upstream):
    body = (b'{ "messages" : [ {"role":"user",  "content":"caf\\u00e9 \xc3\xa9 \xf0\x9f\x9a\xaa"}],'
            b'\n\t"zz_unknown": {"b":1e400,"a":[1.0, 10000000000000000000000, -0]},'
            b' "model":"up/m-1"  , "temperature":0.70 }')
    up = upstream(lambda conn, request: conn.answer(chat_json()))
    answer = ask(gateway(up).port, "POST", CHAT, body)
    assert answer.status == 200
    assert up.requests[0].body == body.replace(b'"up/m-1"', b'"m-1"')


def test_the_answer_travels_byte_for_byte(gateway, upstream):
    body = (b' {"id":"x" ,"object":"chat.completion","created":1,"model":"m",  "new_field":[1.50],'
            b'"choices":[{"index":0,"message":{"role":"assistant","content":"\\u00e9\xc3\xa9"},'
            b'"finish_reason":"stop"}]}\n')
    up = upstream(lambda conn, request: conn.answer(body))
    assert chat(gateway(up).port).body == body


def test_usage_is_asked_for_and_hidden_from_a_client_who_did_not_ask(gateway, upstream):
    events = chat_events(["a"], usage=True)
    up = upstream(lambda conn, request: conn.stream(events))
    gate = gateway(up)
    answer = chat(gate.port, stream=True)
    assert sent(up)["stream_options"]["include_usage"] is True
    assert answer.body == b"".join(events[:-2] + events[-1:])
    record = gate.wait_records()[0]
    assert json.dumps(record).count("7") >= 1  # the prompt tokens that only the record shows


def test_usage_is_shown_to_a_client_who_asked(gateway, upstream):
    events = chat_events(["a"], usage=True)
    up = upstream(lambda conn, request: conn.stream(events))
    answer = chat(gateway(up).port, stream=True, stream_options={"include_usage": True})
    assert answer.body == b"".join(events)


def test_usage_on_the_finish_chunk_is_not_hidden(gateway, upstream):
    events = [sse(chunk_of({"role": "assistant", "content": "a"})),
              sse(chunk_of({}, "stop", usage=usage_of(7, 1))), DONE]
    up = upstream(lambda conn, request: conn.stream(events))
    assert chat(gateway(up).port, stream=True).body == b"".join(events)


def test_a_provider_that_refuses_the_usage_option_is_asked_without_it(gateway, upstream):
    def picky(conn, request):
        if "stream_options" in request.json():
            conn.answer(error_json("Unknown parameter: stream_options"), 400)
        else:
            conn.stream(chat_events(["a"], usage=False))

    up = upstream(picky)
    answer = chat(gateway(up).port, stream=True)
    assert answer.status == 200 and answer.body.endswith(DONE)


def test_comments_and_odd_line_ends_pass(gateway, upstream):
    events = [b": PROCESSING\n\n", sse(chunk_of({"role": "assistant", "content": "a"})),
              b": ping\r\n\r\n", sse(chunk_of({}, "stop")).replace(b"\n", b"\r\n"), DONE]
    up = upstream(lambda conn, request: conn.stream(events))
    answer = chat(gateway(up).port, stream=True)
    assert [data for _, data in answer.events()][-1] == "[DONE]"
    assert len(answer.events()) == 3


def test_the_clients_key_stays_here_and_the_providers_goes_there(gateway, upstream):
    up = upstream()
    chat(gateway(up).port, headers={"Authorization": "Bearer sk-client", "X-Api-Key": "k",
                                    "Cookie": "a=b"})
    request = up.requests[0]
    assert request.all("authorization") == ["Bearer sk-canary-upstream-key"]
    assert request.header("x-api-key") is None and request.header("cookie") is None
    assert b"sk-client" not in up.connections[0].received


def test_a_request_id_comes_back_and_is_in_the_record(gateway, upstream):
    gate = gateway(upstream())
    answer = chat(gate.port)
    request_id = answer.header("x-headgate-request-id")
    assert request_id and request_id in json.dumps(gate.wait_records()[0])


def test_what_belongs_to_the_upstreams_connection_stays_behind(gateway, upstream):
    up = upstream(lambda conn, request: conn.answer(chat_json(), headers=[
        ("Connection", "keep-alive, X-Hop"), ("X-Hop", "1"), ("Keep-Alive", "timeout=5"),
        ("Set-Cookie", "a=b"), ("X-Ratelimit-Remaining-Tokens", "9"), ("Server", "them")]))
    answer = chat(gateway(up).port)
    assert answer.header("x-ratelimit-remaining-tokens") == "9"
    for name in ("keep-alive", "set-cookie", "x-hop"):
        assert answer.header(name) is None, name


def test_a_provider_can_be_named_in_a_header(gateway, upstream):
    one = upstream(lambda conn, request: conn.answer(chat_json("one")))
    two = upstream(lambda conn, request: conn.answer(chat_json("two")))
    gate = gateway(providers={"one": one.url, "two": two.url})
    answer = chat(gate.port, headers={"x-headgate-provider": "two"}, model="m")
    assert answer.json()["choices"][0]["message"]["content"] == "two"


def test_a_large_prompt_and_a_large_answer_pass(gateway, upstream):
    text = "ü" * 1_500_000
    up = upstream(lambda conn, request: conn.answer(chat_json(text)))
    answer = chat(gateway(up).port, text)
    assert answer.json()["choices"][0]["message"]["content"] == text
    assert sent(up)["messages"][0]["content"] == text


def test_a_stream_of_many_large_events_passes_through_a_slow_reader(gateway, upstream):
    words = ["x" * 50_000 for _ in range(100)]
    events = chat_events(words, usage=False)
    up = upstream(lambda conn, request: conn.stream(events))
    with Connection(gateway(up).port, receive_buffer=4096) as client:
        client.send(request_bytes("POST", CHAT, {"model": "up/m", "stream": True, "messages": [
            {"role": "user", "content": "x"}]}))
        assert client.read_response().body == b"".join(events)


def test_an_upstream_that_closes_after_each_answer_is_no_trouble(gateway, upstream):
    def closing(conn, request):
        conn.answer(chat_json(), headers=[("Connection", "close")])
        conn.close()

    port = gateway(upstream(closing)).port
    assert [chat(port).status for _ in range(5)] == [200] * 5


def test_a_body_that_ends_with_the_connection_is_read(gateway, upstream):
    def old(conn, request):
        conn.send(b"HTTP/1.0 200 OK\r\nContent-Type: application/json\r\n\r\n"
                  + json.dumps(chat_json()).encode())
        conn.close()

    assert chat(gateway(upstream(old)).port).json() == chat_json()


def test_the_usage_chunk_of_azure_is_not_taken_for_content(gateway, upstream):
    first = {"choices": [], "created": 0, "id": "", "model": "", "object": "",
             "prompt_filter_results": [{"prompt_index": 0, "content_filter_results": {}}]}
    events = [sse(first), *chat_events(["a"], usage=False)]
    up = upstream(lambda conn, request: conn.stream(events))
    assert chat(gateway(up).port, stream=True).body == b"".join(events)


def test_usage_after_done_or_twice_is_not_counted_twice(gateway, upstream):
    events = [*chat_events(["a"], usage=False, done=False), sse(usage_chunk(7, 1)),
              sse(usage_chunk(7, 1)), DONE]
    gate = gateway(upstream(lambda conn, request: conn.stream(events)))
    chat(gate.port, stream=True)
    record = gate.wait_records()[0]
    assert '"14' not in json.dumps(record)
