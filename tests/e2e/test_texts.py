"""What functions of a route do to the texts of an answer: resp:map, resp:each, resp:text."""

import json
import threading
import time

import pytest

from support.client import Connection, Gone, chat, request_bytes
from support.upstream import DONE, chat_events, chat_json, error_json, tells_of_failure
from support.wait import wait_for

HEAD = 'local s = require "headgate"\nlocal ask = s.target "up/m"\n'
WORDS = ["Hello ", "big ", "world"]


def route(body, more=""):
    """A route whose handler asks and then does `body` with resp."""
    return {"chat.lua": f'{HEAD}{more}\nreturn s.route {{ path = "/v1/chat/completions", '
                        f'handler = function(req) local resp, err = ask(req) '
                        f'if not resp then return nil, err end {body} end }}\n'}


def says(conn, request):
    if request.json().get("stream"):
        conn.stream(chat_events(WORDS))
    else:
        conn.answer(chat_json("".join(WORDS)))


def content(answer):
    assert answer.status == 200, answer.body
    if answer.header("content-type").startswith("text/event-stream"):
        assert answer.body.endswith(DONE)
        return "".join(choice["delta"].get("content") or ""
                       for _, data in answer.events() if data != "[DONE]"
                       for choice in json.loads(data)["choices"])
    return answer.json()["choices"][0]["message"]["content"]


both = pytest.mark.parametrize("stream", [False, True])


# ---- map


@both
@pytest.mark.parametrize("function, text", [
    ("function(text) return text:upper() end", "HELLO BIG WORLD"),
    ("function(text) return (text:gsub('o', '0')) end", "Hell0 big w0rld"),
    ("function(text) return nil end", "Hello big world"),
    ("function(text) return false end", "Hello big world"),
    ("function(text) if text:find 'H' then return '\"<\\n>\" ' .. text end end",
     '"<\n>" Hello big world'),
    ("function(text) s.sleep '5ms' return text:upper() end", "HELLO BIG WORLD"),
])
def test_map_changes_texts(gateway, upstream, stream, function, text):
    gate = gateway(upstream(says), routes=route(f"return resp:map({function})"))
    assert content(chat(gate.port, stream=stream)) == text
    record = gate.wait_records()[0]
    assert record["outcome"] == "ok" and (stream or record["usage"]["output"] == 2)


@both
def test_maps_follow_each_other(gateway, upstream, stream):
    gate = gateway(upstream(says), routes=route(
        "resp:map(function(text) return text:gsub('o', 'u') end) "
        "return resp:map(function(text) return text:upper() end)"))
    assert content(chat(gate.port, stream=stream)) == "HELLU BIG WURLD"


def test_map_lets_a_stream_go_on_as_it_comes(gateway, upstream):
    go = threading.Event()

    def slow(conn, request):
        events = chat_events(WORDS)
        conn.stream(events[:2], end=False)
        go.wait(10)
        for event in events[2:]:
            conn.chunk(b"data: " + json.dumps(event).encode() + b"\n\n"
                       if not isinstance(event, bytes) else event)
        conn.end_chunks()

    gate = gateway(upstream(slow),
                   routes=route("return resp:map(function(text) return text:upper() end)"))
    with Connection(gate.port) as client:
        client.send(request_bytes("POST", "/v1/chat/completions", {"model": "m", "stream": True,
                    "messages": [{"role": "user", "content": "x"}]}))
        client.read_until(b"HELLO ")
        go.set()
        client.read_until(b"WORLD")


@both
@pytest.mark.parametrize("function, words", [
    ("function(text) error 'inner words' end", "inner words"),
    ("function(text) return 7 end", "returns a text, or nil to keep it, not a number"),
    ("function(text) while true do end end", "processor time"),
])
def test_a_function_that_fails_ends_the_answer_honestly(gateway, upstream, stream, function, words):
    gate = gateway(upstream(says), routes=route(f"return resp:map({function})"))
    answer = chat(gate.port, stream=stream)
    assert tells_of_failure(answer.body) if stream else b'"error"' in answer.body
    assert b"inner words" not in answer.body and b"world" not in answer.body
    assert answer.status == (200 if stream else 500)
    wait_for(lambda: words in gate.output(), "the reason in the log")
    assert gate.wait_records()[0]["outcome"] == "internal"
    assert chat(gate.port, stream=stream).status == answer.status


def test_a_stream_has_one_budget_for_all_its_calls(gateway, upstream):
    up = upstream(lambda conn, request: conn.stream(chat_events(["x"] * 400)))
    gate = gateway(up, routes=route("return resp:map(function(text) local n = 0 "
                                    "for i = 1, 100000 do n = n + i end return text end)"))
    answer = chat(gate.port, stream=True, timeout=30)
    assert tells_of_failure(answer.body)
    wait_for(lambda: "processor time" in gate.output(), "the reason in the log")


def test_a_client_that_leaves_ends_a_map_that_waits(gateway, upstream):
    gate = gateway(upstream(says), routes=route(
        "return resp:map(function(text) local _ <close> = s.defer(function() s.log.info 'left' end)"
        " s.log.info 'waits' s.sleep '30s' end)"))
    with Connection(gate.port) as client:
        client.send(request_bytes("POST", "/v1/chat/completions", {"model": "m", "stream": True,
                    "messages": [{"role": "user", "content": "x"}]}))
        wait_for(lambda: "waits" in gate.output(), "the function to wait")
        client.reset()
    wait_for(lambda: "left" in gate.output(), "the function to be ended")
    assert gate.wait_records()[0]["client_gone"]


def test_map_that_waits_holds_the_upstream_back(gateway, upstream):
    sent = [0]

    def endless(conn, request):
        conn.head(content_type="text/event-stream")
        try:
            while sent[0] < 200 * 1024 * 1024:
                data = b"".join(b"data: " + json.dumps(event).encode() + b"\n\n"
                                for event in chat_events(["y" * 1000] * 16)[:16]
                                if not isinstance(event, bytes)) * 4
                conn.chunk(data)
                sent[0] += len(data)
        except (Gone, OSError):
            pass

    gate = gateway(upstream(endless), routes=route(
        "return resp:map(function(text) s.sleep '30s' end)"))
    with Connection(gate.port) as client:
        client.send(request_bytes("POST", "/v1/chat/completions", {"model": "m", "stream": True,
                    "messages": [{"role": "user", "content": "x"}]}))
        client.read_until(b"\r\n\r\n")
        before = -1
        while sent[0] != before:
            before = sent[0]
            time.sleep(0.3)  # until nothing moves any more
        assert sent[0] < 50 * 1024 * 1024


def test_a_stream_that_breaks_is_still_told_so(gateway, upstream):
    def breaks(conn, request):
        conn.stream(chat_events(["a"])[:2], end=False)
        conn.reset()

    gate = gateway(upstream(breaks),
                   routes=route("return resp:map(function(text) return text:upper() end)"))
    answer = chat(gate.port, stream=True)
    assert b'"A"' in answer.body and tells_of_failure(answer.body)


@both
def test_guards_outside_see_what_a_map_has_made(gateway, upstream, stream):
    handler = ("s.guard(function(req) return ask(req):map(function(text) "
               "return (text:gsub('world', '4111111111111111')) end) end, "
               "{ output = { 'cards' } })")
    gate = gateway(upstream(says), config='guard "cards" { plugin = "regex", action = "redact", '
                   'sets = { "credit_card" } }', routes={
                       "chat.lua": f'{HEAD}return s.route {{ path = "/v1/chat/completions", '
                                   f'handler = {handler} }}'})
    text = content(chat(gate.port, stream=stream))
    assert text.startswith("Hello big ") and "world" not in text and "4111" not in text


@pytest.mark.parametrize("first", [False, True])
@pytest.mark.parametrize("second", [False, True])
def test_a_cache_outside_keeps_what_a_map_has_made(gateway, upstream, first, second):
    up = upstream(says)
    handler = ("s.cached(function(req) return ask(req):map(string.upper) end, "
               "{ store = 'memory' })")
    gate = gateway(up, config='cache "memory" { plugin = "memory" }', routes={
        "chat.lua": f'{HEAD}return s.route {{ path = "/v1/chat/completions", '
                    f'handler = {handler} }}'})
    for stream in (first, second):
        assert content(chat(gate.port, stream=stream)) == "HELLO BIG WORLD"
    assert len(up.requests) == 1


# ---- each, text, json


@both
def test_each_sees_every_text_and_the_answer_can_still_go_out(gateway, upstream, stream):
    gate = gateway(upstream(says), routes=route(
        "local texts = {} local ok, failed = resp:each(function(text) s.sleep '1ms' "
        "texts[#texts + 1] = text end) if not ok then return nil, failed end "
        "resp:header('x-texts', table.concat(texts, '|')) return resp"))
    answer = chat(gate.port, stream=stream)
    assert content(answer) == "Hello big world"
    assert answer.header("x-texts") == ("Hello |big |world" if stream else "Hello big world")
    assert gate.wait_records()[0]["finish"] == "stop"


@both
def test_text_and_json_of_an_answer_are_whole_whatever_the_client_wants(gateway, upstream, stream):
    gate = gateway(upstream(says), routes=route(
        "local doc = resp:json() resp:header('x-text', doc.choices[1].message.content) "
        "resp:header('x-length', #resp:text()) return resp"))
    answer = chat(gate.port, stream=stream)
    assert answer.header("x-text") == content(answer) == "Hello big world"
    assert int(answer.header("x-length")) > 50


def test_what_is_read_has_been_through_maps_and_guards(gateway, upstream):
    gate = gateway(upstream(says), routes=route(
        "resp:map(string.upper) resp:header('x-text', resp:json().choices[1].message.content) "
        "return resp"))
    answer = chat(gate.port, stream=True)
    assert answer.header("x-text") == content(answer) == "HELLO BIG WORLD"


def test_a_stream_that_breaks_while_it_is_read_is_an_error_that_can_be_handled(gateway, upstream):
    count = [0]

    def better_later(conn, request):
        count[0] += 1
        if count[0] == 1:
            conn.stream(chat_events(["a"])[:2], end=False)
            conn.reset()
        elif count[0] == 2:
            conn.stream([*chat_events(["a"])[:2], b'data: {"error": {"message": "boom"}}\n\n'])
        else:
            says(conn, request)

    gate = gateway(upstream(better_later), routes=route(
        "return resp:each(function() end)",
        "local one = ask ask = s.retry(function(req) local resp, err = one(req) "
        "if not resp then return nil, err end return resp:each(function() end) end, "
        "{ backoff = '1ms', on = 'any_error' })"))
    assert content(chat(gate.port, stream=True)) == "Hello big world"
    assert count[0] == 3


@both
def test_an_error_in_each_is_a_500(gateway, upstream, stream):
    gate = gateway(upstream(says), routes=route(
        "resp:each(function() error 'inner words' end) return resp"))
    answer = chat(gate.port, stream=stream)
    assert answer.status == 500 and b"inner words" not in answer.body
    wait_for(lambda: "inner words" in gate.output(), "the reason in the log")


def test_a_response_read_in_part_cannot_go_out(gateway, upstream):
    gate = gateway(upstream(says), routes=route(
        "pcall(resp.each, resp, function() error 'no' end) return resp"))
    assert chat(gate.port, stream=True).status == 500
    gate.wait_line("read in part")


def test_a_client_that_leaves_ends_an_each_that_waits(gateway, upstream):
    ended = []

    def silent(conn, request):
        conn.stream(chat_events(["a"])[:2], end=False)
        try:
            conn.wait_closed(30)
        except (Gone, OSError):
            pass
        ended.append(True)

    up = upstream(silent)
    gate = gateway(up, routes=route("return resp:each(function() end)"))
    with Connection(gate.port) as client:
        client.send(request_bytes("POST", "/v1/chat/completions", {"model": "m", "stream": True,
                    "messages": [{"role": "user", "content": "x"}]}))
        wait_for(lambda: up.requests, "the call")
        time.sleep(0.1)
        client.reset()
    wait_for(lambda: ended, "the call to be ended")


def test_a_stream_too_long_to_be_read_is_refused(gateway, upstream):
    up = upstream(lambda conn, request: conn.stream(chat_events(["y" * 10000] * 500)))
    # It is the length that ends it, also where a sanitizer makes reading slow.
    gate = gateway(up, config="lua { cpu_per_resume = 20, cpu_per_request = 20 }",
                   routes=route("return resp:each(function() end)"))
    answer = chat(gate.port, stream=True, timeout=30)
    assert answer.status == 500 and b"too long" in answer.body


def test_what_has_no_texts_says_so(gateway, upstream):
    gate = gateway(upstream(lambda conn, request: conn.answer(b"\x00\x01", content_type="audio/x")),
                   routes={"a.lua": HEAD + 'return s.route { path = "/v1/audio/speech", '
                           'handler = function(req) return ask(req):map(string.upper) end }'})
    from support.client import ask
    assert ask(gate.port, "POST", "/v1/audio/speech", {"model": "m", "input": "x"}).status == 500
    gate.wait_line("passes through unread")


def test_errors_are_not_mapped(gateway, upstream):
    gate = gateway(upstream(lambda conn, request: conn.answer(error_json("no"), 400)),
                   routes=route("return resp:map(string.upper)"))
    assert chat(gate.port).status == 400
