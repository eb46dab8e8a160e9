"""`headgate simulate`: what it says, and what it does to a connection."""

import base64
import json
import signal
import socket
import struct

import pytest

from support.client import Connection, Gone, ask, request_bytes, sse_events
from support.wait import wait_for

PATH = "/v1/chat/completions"


def body(model="m", stream=False, **more):
    document = {"model": model, "messages": [{"role": "user", "content": "Hello gate"}], **more}
    if stream:
        document["stream"] = True
    return document


def post(sim, document, headers=(), path=PATH):
    return ask(sim.port, "POST", path, document, headers)


def text_of(events):
    deltas = [json.loads(data) for _, data in events if data != "[DONE]"]
    return "".join(
        choice["delta"].get("content") or "" for delta in deltas for choice in delta["choices"]
    )


def test_the_ready_line_is_the_only_one_on_standard_output(simulator):
    sim = simulator()
    assert sim.lines == [f"listening on http://127.0.0.1:{sim.port}"]


def test_the_same_request_gets_the_same_bytes_from_every_run(simulator):
    answers = []
    for _ in range(2):
        with Connection(simulator().port) as connection:
            connection.request("POST", PATH, body())
            answers.append(connection.received)
    assert answers[0] == answers[1]


def test_the_stream_says_what_the_whole_answer_says(simulator):
    sim = simulator("--with", "text=one%20two%20three")
    whole = post(sim, body()).json()
    stream = post(sim, body(stream=True))
    assert text_of(stream.events()) == whole["choices"][0]["message"]["content"]
    assert stream.events()[-1][1] == "[DONE]"
    assert len(stream.chunks) == len(stream.events())


def test_one_connection_carries_many_requests_pipelined_and_in_order(simulator):
    with Connection(simulator().port) as connection:
        requests = [request_bytes("POST", PATH, body(f"m-{i}", stream=i % 2 == 0))
                    for i in range(9)]
        connection.send_slowly(b"".join(requests), 700)
        for i in range(9):
            answer = connection.read_response()
            document = answer.events()[0][1] if i % 2 == 0 else answer.body
            assert json.loads(document)["model"] == f"m-{i}"


def test_bodies_may_be_chunked_and_wait_for_continue(simulator):
    with Connection(simulator().port) as connection:
        text = json.dumps(body()).encode()
        connection.send(
            request_bytes("POST", PATH, headers={"Transfer-Encoding": "chunked",
                                                 "Expect": "100-continue"})
        )
        assert connection.read_head().status == 100
        for at in range(0, len(text), 10):
            piece = text[at : at + 10]
            connection.send(b"%x\r\n%s\r\n" % (len(piece), piece))
        connection.send(b"0\r\n\r\n")
        assert connection.read_response().status == 200


def test_options_come_from_headers_models_and_the_command_line(simulator):
    sim = simulator("--with", "status=418")
    assert post(sim, body()).status == 418
    assert post(sim, body("sim:status=503")).status == 503
    answer = post(sim, body("sim:status=503"), {"x-simulate-status": "429",
                                                "x-simulate-retry-after": "7"})
    assert (answer.status, answer.header("retry-after")) == (429, "7")
    assert answer.json()["error"]["code"] == "rate_limit_exceeded"


def test_an_unknown_option_is_told_with_the_right_one(simulator):
    answer = post(simulator(), body(), {"x-simulate-dealy": "1s"})
    assert answer.status == 400
    assert '"delay"' in answer.json()["error"]["message"]


def test_a_key_is_asked_for_and_never_repeated(simulator):
    sim = simulator("--key", "sk-canary")
    assert post(sim, body()).status == 401
    wrong = post(sim, body(), {"authorization": "Bearer sk-wrong"})
    assert wrong.status == 401
    assert b"sk-" not in wrong.body
    assert post(sim, body(), {"authorization": "Bearer sk-canary"}).status == 200
    assert "sk-" not in sim.record.read_text()


def test_the_answer_can_break_off_at_every_byte(simulator):
    sim = simulator("--with", "text=hi")
    with Connection(sim.port) as connection:
        connection.request("POST", PATH, body(stream=True))
        whole = connection.received
    # The first bytes hold every kind of place: status line, fields, chunk size, event.
    for at in [*range(0, 160), *range(160, len(whole) + 1, 7), len(whole)]:
        with Connection(sim.port) as connection:
            connection.send(request_bytes("POST", PATH, body(stream=True),
                                          {"x-simulate-close-after-bytes": at}))
            assert connection.read_to_end() == whole[:at]


def test_a_reset_comes_after_the_bytes(simulator):
    sim = simulator("--with", "text=hi")
    for at in (0, 1, 100, 250):
        with Connection(sim.port) as connection:
            connection.send(request_bytes("POST", PATH, body(),
                                          {"x-simulate-reset-after-bytes": at}))
            with pytest.raises(Gone, match="reset"):
                connection.read_exactly(at + 1)
            assert len(connection.received) == at


def test_a_stall_sends_nothing_more_until_the_client_goes(simulator):
    sim = simulator()
    with Connection(sim.port) as connection:
        connection.send(request_bytes("POST", PATH, body(stream=True),
                                      {"x-simulate-stall-after-events": 2}))
        message = connection.read_head()
        assert connection.read_chunk() and connection.read_chunk()
        assert not connection.is_closed(0.05)
        assert connection.buffer == b""
        assert message.status == 200
    end = wait_for(lambda: sim.entries("end"), "the end in the record")[0]
    assert end["how"] == "gone"


def test_writes_are_split_where_it_is_asked_for(simulator):
    for split in ("1", "random:42", "at:3+17+99"):
        sim = simulator("--split", split)
        with Connection(sim.port) as connection:
            answer = connection.request("POST", PATH, body("sim:tokens=3", stream=True))
        assert answer.complete and answer.events()[-1][1] == "[DONE]"


def test_delays_come_before_the_head_and_between_events(simulator):
    sim = simulator()
    with Connection(sim.port) as connection:
        connection.send(request_bytes("POST", PATH, body("sim:delay=150ms,first-delay=150ms")))
        assert not connection.is_closed(0.05) and connection.buffer == b""
        connection.read_head()
        assert not connection.is_closed(0.05) and connection.buffer == b""
        connection.read_until(b"}")


@pytest.mark.parametrize("kind", ["bytes", "head", "chunk", "json", "sse", "html", "empty"])
def test_garbage_of_every_kind(simulator, kind):
    sim = simulator()
    with Connection(sim.port) as connection:
        connection.send(request_bytes("POST", PATH, body(), {"x-simulate-garbage": kind,
                                                             "connection": "close"}))
        raw = connection.read_to_end()
    if kind == "bytes":
        assert not raw.startswith(b"HTTP/")
    elif kind == "head":
        assert b"\r\nthis line is no field\r\n" in raw
    elif kind == "chunk":
        assert b"\r\n\r\nxyz\r\n" in raw
    else:
        with pytest.raises(ValueError):
            json.loads(raw.split(b"\r\n\r\n", 1)[1])


@pytest.mark.parametrize("kind", ["head", "body", "events"])
def test_endless_answers_go_on_until_the_client_goes(simulator, kind):
    sim = simulator()
    with Connection(sim.port) as connection:
        connection.send(request_bytes("POST", PATH, body(stream=kind == "events"),
                                      {"x-simulate-endless": kind}))
        assert len(connection.read_exactly(300_000)) == 300_000
    end = wait_for(lambda: sim.entries("end"), "the end in the record")[0]
    assert end["how"] == "gone"


def test_a_wrong_length_is_sent_as_it_is_asked_for(simulator):
    sim = simulator("--with", "body=12345")
    longer = post(sim, body(), {"x-simulate-content-length": "+5"})
    assert (longer.header("content-length"), longer.complete) == ("10", False)
    shorter = post(sim, body(), {"x-simulate-content-length": "-2"})
    assert shorter.body == b"123"


def test_errors_hide_in_a_200_and_in_a_stream(simulator):
    sim = simulator()
    assert "error" in post(sim, body("sim:error-in-200")).json()
    events = post(sim, body("sim:error-event-at=2,error-message=oops", stream=True)).events()
    assert len(events) == 3
    assert json.loads(events[-1][1])["error"]["message"] == "oops"


def test_usage_and_done_can_be_left_out(simulator):
    sim = simulator()
    assert "usage" not in post(sim, body("sim:no-usage")).json()
    asked = {"stream_options": {"include_usage": True}}
    events = post(sim, body("sim:no-done,prompt-tokens=11", stream=True, **asked)).events()
    assert json.loads(events[-1][1])["usage"]["prompt_tokens"] == 11
    assert all("usage" in json.loads(data) for _, data in events)


def test_tool_calls_stream_in_pieces_that_join_to_json(simulator):
    tools = [{"type": "function", "function": {"name": "weather", "parameters": {
        "type": "object", "properties": {"city": {"enum": ["Zürich"]}}}}}]
    sim = simulator()
    events = post(sim, body("m", stream=True, tools=tools, tool_choice="required")).events()
    deltas = [json.loads(data)["choices"][0]["delta"] for _, data in events if data != "[DONE]"]
    calls = [call for delta in deltas for call in delta.get("tool_calls", [])]
    assert calls[0]["function"]["name"] == "weather"
    joined = "".join(call["function"]["arguments"] for call in calls)
    assert json.loads(joined) == {"city": "Zürich"}


def test_embeddings_are_the_same_as_numbers_and_as_base64(simulator):
    sim = simulator()
    ask_for = {"model": "e", "input": ["the gate is open"], "dimensions": 8}
    numbers = post(sim, ask_for, path="/v1/embeddings").json()["data"][0]["embedding"]
    text = post(sim, {**ask_for, "encoding_format": "base64"}, path="/v1/embeddings").json()
    packed = base64.b64decode(text["data"][0]["embedding"])
    assert struct.unpack("<8f", packed) == pytest.approx(numbers, rel=1e-6)


def test_models_are_listed_and_found(simulator):
    sim = simulator()
    names = [model["id"] for model in ask(sim.port, "GET", "/v1/models").json()["data"]]
    assert "gpt-4o" in names
    assert ask(sim.port, "GET", "/v1/models/gpt-4o").json()["id"] == "gpt-4o"
    assert ask(sim.port, "GET", "/v1/models/absent").status == 404
    head = ask(sim.port, "HEAD", "/v1/models")
    assert (head.status, head.body) == (200, b"")


def test_a_script_answers_in_order(simulator, tmp_path):
    script = tmp_path / "script.json"
    script.write_text(
        '{"match": {"model": "a*"}, "answer": {"status": 503}, "count": 1}\n'
        '{"match": {"model": "a*"}, "answer": {"text": "better"}}\n'
    )
    sim = simulator("--script", script)
    assert post(sim, body("abc")).status == 503
    assert post(sim, body("abc")).json()["choices"][0]["message"]["content"] == "better"
    assert post(sim, body("xyz")).status == 200


def test_a_recording_is_replayed_byte_for_byte(simulator, tmp_path):
    events = "data: {\"a\":\"ü\"}\r\n\r\n: comment\r\n\r\ndata: [DONE]"
    asked = json.dumps(body())
    (tmp_path / "tapes").mkdir()
    (tmp_path / "tapes" / "one.json").write_text(json.dumps({
        "id": "p/1",
        "request": {"method": "POST", "url": "https://host/openai/v1/chat/completions",
                    "headers": {}, "body": asked},
        "response": {"status": 200, "headers": {"content-type": "text/event-stream", "x-a": "b"},
                     "is_stream": True, "body": events},
    }))
    sim = simulator("--replay", tmp_path / "tapes", "--split", "3")
    answer = post(sim, body())
    assert answer.body == events.encode()
    assert answer.header("x-a") == "b"
    assert [data for _, data in sse_events(answer.body + b"\n\n")] == ['{"a":"ü"}', "[DONE]"]
    other = post(sim, body("other"))
    assert other.status == 404 and "p/1" in other.json()["error"]["message"]
    assert post(sim, body("sim:cassette=p/1")).body == events.encode()


def test_what_is_no_request_is_refused(simulator):
    with Connection(simulator().port) as connection:
        connection.send(b"NONSENSE\r\n\r\n")
        assert connection.read_response().status == 400
        connection.wait_closed()


def test_wrong_options_end_with_a_reason(headgate, tmp_path):
    from support.program import Program

    for options, reason in (
        (["--with", "statsu=1"], "status"),
        (["--replay", str(tmp_path)], "no recordings"),
        (["--script", str(tmp_path / "absent")], "absent"),
        (["--listen", "nowhere"], "host:port"),
    ):
        program = Program([headgate, "simulate", *options])
        assert program.wait() != 0
        assert reason in program.output()


def test_nonsense_and_the_end_of_it_in_one_read_are_refused_once(simulator):
    sim = simulator()
    connections = [Connection(sim.port) for _ in range(20)]
    sim.signal(signal.SIGSTOP)
    for connection in connections:
        connection.send(b"nonsense\r\n\r\n")
        connection.sock.shutdown(socket.SHUT_WR)
    sim.signal(signal.SIGCONT)
    for connection in connections:
        assert connection.read_to_end().startswith(b"HTTP/1.1 400 ")
        connection.close()
    assert post(sim, body()).status == 200
