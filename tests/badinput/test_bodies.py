"""JSON, UTF-8 and strings that break things: in requests, in answers, in streams."""

import base64
import json

import pytest

from support.client import ask, chat
from support.shared import Tally, file_bytes, rows
from support.upstream import chunk_of, sse

CHAT = "/v1/chat/completions"
FRONT = b'{"model":"up/m","messages":[{"role":"user","content":"x"}],"zz":'
ANSWER = (b'{"id":"c","object":"chat.completion","created":1,"model":"m","choices":[{"index":0,'
          b'"message":{"role":"assistant","content":"x"},"finish_reason":"stop"}],"zz":')


@pytest.mark.seconds(200)
def test_json_that_is_none_is_refused_and_json_that_is_some_travels(pair):
    tally = Tally("JSON files in requests")
    for row in rows("json/manifest.jsonl"):
        data = FRONT + file_bytes(row["file"]) + b"}"
        before = len(pair.up.requests)
        answer = ask(pair.port, "POST", CHAT, data)
        if row["expect"] == "accept":
            tally.check(row["file"], answer.status == 200, f"{answer.status} {answer.body[:200]!r}")
        elif row["expect"] == "reject":
            tally.check(row["file"], answer.status == 400, f"{answer.status}")
        else:
            tally.check(row["file"], answer.status in (200, 400), f"{answer.status}")
        if answer.status == 200:
            sent = pair.up.requests[before].body
            tally.check(row["file"], sent == data.replace(b'"up/m"', b'"m"'), "changed on the way")
        else:
            tally.check(row["file"], len(pair.up.requests) == before, "passed on all the same")
    assert pair.is_unharmed()
    tally.done(200)


def test_nothing_but_an_object_is_taken_for_a_request(pair):
    tally = Tally("JSON files as requests")
    for row in rows("json/manifest.jsonl"):
        data = file_bytes(row["file"])
        answer = ask(pair.port, "POST", CHAT, data)
        if row["expect"] != "reject" and data.lstrip().startswith(b"{"):
            # An object without a model goes to the only provider, which may know what to do.
            tally.check(row["file"], answer.status in (200, 400), f"{answer.status}")
            continue
        tally.check(row["file"], 400 <= answer.status < 500 and b'"message"' in answer.body,
                    f"{answer.status} {answer.body[:200]!r}")
    assert pair.is_unharmed()
    tally.done(200)


@pytest.mark.seconds(200)
def test_an_answer_must_be_json_and_is_not_changed(pair):
    tally = Tally("JSON files in answers")
    for row in rows("json/manifest.jsonl"):
        data = ANSWER + file_bytes(row["file"]) + b"}"
        pair.handler = lambda conn, request, data=data: conn.answer(data)
        answer = chat(pair.port)
        if row["expect"] == "accept":
            tally.check(row["file"], answer.status == 200 and answer.body == data,
                        f"{answer.status}")
        elif row["expect"] == "reject":
            tally.check(row["file"], answer.status == 502, f"{answer.status}")
        else:
            tally.check(row["file"], answer.status in (200, 502), f"{answer.status}")
    assert pair.is_unharmed()
    tally.done(200)


def test_depth_has_a_limit_and_no_stack_is_broken(pair):
    for depth in (50_000, 2_000_000):
        nested = b"[" * depth + b"]" * depth
        assert ask(pair.port, "POST", CHAT, FRONT + nested + b"}").status in (200, 400)
        assert ask(pair.port, "POST", CHAT, nested).status == 400
        objects = b'{"a":' * depth + b"1" + b"}" * depth
        assert ask(pair.port, "POST", CHAT, FRONT + objects + b"}").status in (200, 400)
    assert pair.is_unharmed()


def test_names_that_come_twice_cannot_say_two_things(pair):
    """The model that decides is the model that is sent."""
    bodies = [
        b'{"model":"up/m","model":"up/other","messages":[],"user":"x"}',
        b'{"mod\\u0065l":"up/other","model":"up/m","messages":[],"user":"x"}',
        b'{"model":"up/m","stream":false,"stream":true,"messages":[],"user":"x"}',
    ]
    for body in bodies:
        before = len(pair.up.requests)
        answer = ask(pair.port, "POST", CHAT, body)
        if answer.status != 200:
            assert answer.status == 400
            continue
        text = pair.up.requests[before].body
        pairs = json.loads(text, object_pairs_hook=list)
        models = {value for key, value in pairs if key == "model"}
        assert len(models) == 1, text
    assert pair.is_unharmed()


@pytest.mark.seconds(200)
def test_bytes_that_are_no_utf8_are_refused_in_a_request(pair):
    tally = Tally("UTF-8 sequences in requests")
    for row in rows("utf8/utf8tests.jsonl"):
        data = bytes.fromhex(row["bytes_hex"])
        if any(byte < 0x20 or byte in b'"\\' for byte in data):
            continue
        # A long text is looked at in another way than a short one.
        for padding in (b"", b"x" * 300, b"\xc3\xa9" * 5000):
            body = FRONT + b'"' + padding + data + padding + b'"}'
            answer = ask(pair.port, "POST", CHAT, body)
            name = f"{row['name']} after {len(padding)} bytes"
            if row["valid"]:
                tally.check(name, answer.status == 200, f"{answer.status}")
                tally.check(name, pair.up.requests[-1].body == body.replace(b'"up/m"', b'"m"'),
                            "changed on the way")
            else:
                tally.check(name, answer.status == 400, f"{answer.status} for {data.hex()}")
    assert pair.is_unharmed()
    tally.done(50)


@pytest.mark.seconds(200)
def test_bytes_that_are_no_utf8_in_an_answer_or_a_stream_break_nothing(pair):
    tally = Tally("UTF-8 sequences in answers")
    for row in rows("utf8/utf8tests.jsonl"):
        data = bytes.fromhex(row["bytes_hex"])
        if any(byte < 0x20 or byte in b'"\\' for byte in data):
            continue
        event = sse(chunk_of({"role": "assistant", "content": "@@"})).replace(b"@@", data)

        def handler(conn, request):
            if request.json().get("stream"):
                conn.stream([event, sse(chunk_of({}, "stop")), b"data: [DONE]\n\n"])
            else:
                conn.answer(ANSWER + b'"' + data + b'"}')

        pair.handler = handler
        for stream in (False, True):
            answer = chat(pair.port, stream=stream)
            tally.check(row["name"], answer.complete, "cut")
            if row["valid"]:
                tally.check(row["name"], answer.status == 200 and data in answer.body,
                            f"{answer.status}")
            else:
                tally.check(row["name"], answer.status in (200, 502), f"{answer.status}")
    assert pair.is_unharmed()
    tally.done(100)


@pytest.mark.seconds(200)
def test_strings_that_break_things_travel_as_they_are(pair):
    tally = Tally("naughty strings")
    for row in rows("strings/naughty-strings.jsonl"):
        text = row["text"]
        answer = chat(pair.port, text, user=text)
        tally.check(row["name"], answer.status == 200, f"as a prompt: {answer.status}")
        tally.check(row["name"], pair.up.requests[-1].json()["messages"][0]["content"] == text,
                    "changed on the way")
        tally.check(row["name"], answer.json()["choices"][0]["message"]["content"] == text,
                    "changed on the way back")
        model = chat(pair.port, model=text)
        tally.check(row["name"], model.status in (200, 400, 404), f"as a model: {model.status}")
        tally.check(row["name"], model.header("set-cookie") is None and "error" in model.json()
                    or model.status == 200, "as a model: no error object")
        if text.isprintable() and text.isascii() and text == text.strip():
            named = chat(pair.port, headers={"x-headgate-metadata": text, "X-Request-Id": text})
            tally.check(row["name"], named.status in (200, 400), f"as a header: {named.status}")
    assert pair.is_unharmed()
    tally.done(300)
    pair.gate.wait_records(1)
    pair.gate.records()  # each line is JSON


@pytest.mark.seconds(200)
def test_every_framing_of_events_is_read_and_comes_to_an_end(pair):
    tally = Tally("SSE vectors")
    first = sse(chunk_of({"role": "assistant", "content": "a"}))
    for row in rows("sse/sse-vectors.jsonl"):
        chunks = [base64.b64decode(chunk) for chunk in row["chunks_base64"]]
        for lead in ([], [first]):
            pair.handler = lambda conn, request, lead=lead: conn.stream(
                [*lead, *[chunk for chunk in chunks if chunk]])
            answer = chat(pair.port, stream=True)
            tally.check(row["name"], answer.complete, "cut")
            if lead:
                tally.check(row["name"], answer.status == 200 and answer.body.startswith(first),
                            f"{answer.status}")
    assert pair.is_unharmed()
    tally.done(100)


def test_payloads_for_other_protocols_are_no_requests(pair):
    from support.client import Connection

    for data in (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
                 b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
                 b"\x00" * 5000, b"SSH-2.0-OpenSSH_9.2\r\n", b"GET / HTTP/0.9\r\n\r\n",
                 b"HELO there\r\n", b"\r\n" * 5000, bytes(range(256)) * 40):
        with Connection(pair.port) as client:
            client.send(data)
            client.finish()
            client.wait_closed(15)
    assert pair.is_unharmed()
