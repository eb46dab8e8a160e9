"""What s.cached promises: modes, one call for all who ask the same, and what is kept."""

import json
import threading
import time

import pytest

from support.client import Connection, Gone, chat, request_bytes
from support.compile import compiled
from support.upstream import DONE, chat_events, chat_json, error_json
from support.wait import wait_for

HEAD = 'local s = require "headgate"\n'
MEMORY = 'cache "memory" { plugin = "memory", max_size = "16MB" }'


def route(handler, more=""):
    return {"chat.lua": f'{HEAD}{more}\nreturn s.route {{ path = "/v1/chat/completions", '
                        f'handler = {handler} }}\n'}


def says(conn, request):
    document = request.json()
    text = document["messages"][-1]["content"] + "!"
    if document.get("stream"):
        conn.stream(chat_events([text]))
    else:
        conn.answer(chat_json(text))


def content(answer):
    assert answer.status == 200, answer.body
    if answer.header("content-type").startswith("text/event-stream"):
        assert answer.body.endswith(DONE)
        return "".join(choice["delta"].get("content") or ""
                       for _, data in answer.events() if data != "[DONE]"
                       for choice in json.loads(data)["choices"])
    return answer.json()["choices"][0]["message"]["content"]


# ---- modes


@pytest.mark.parametrize("options, words", [
    ('mode = "semantic", threshold = 0.9', "the cache 'memory' knows no mode \"semantic\""),
    ("threshold = 0.9", 'threshold is for mode = "semantic"'),
    ('mode = "semantic", threshold = 7', "threshold: a number from 0 to 1 is needed, not 7"),
])
def test_a_mode_that_the_cache_has_not_is_refused_at_the_start(gateway, upstream, options, words):
    gate = gateway(upstream(), config=MEMORY, wait=False, routes=route(
        f's.cached(s.target "up/m", {{ store = "memory", {options} }})'))
    gate.may_fail = True
    assert gate.wait() != 0
    assert words in gate.output() and "chat.lua" in gate.output()


@pytest.fixture(scope="session")
def near(tmp_path_factory):
    return compiled(tmp_path_factory.mktemp("plugins"), "cache_near")


def test_a_semantic_cache_answers_what_is_near_enough(gateway, upstream, near):
    up = upstream(says)
    gate = gateway(up, config='cache "near" { plugin = "near" }', plugin_path=near, routes=route(
        's.cached(s.target "up/m", { store = "near", mode = "semantic", threshold = 0.8 })'))
    assert content(chat(gate.port, "How are you?")) == "How are you?!"
    assert content(chat(gate.port, "how are you")) == "How are you?!"
    assert len(up.requests) == 1
    assert content(chat(gate.port, "who are you")) == "who are you!"
    assert len(up.requests) == 2
    chat(gate.port, "how are you", temperature=0)  # near texts, other parameters
    chat(gate.port, "how are you", headers={"Authorization": "Bearer other"})
    assert len(up.requests) == 4


def test_what_is_not_near_enough_is_asked_for(gateway, upstream, near):
    up = upstream(says)
    gate = gateway(up, config='cache "near" { plugin = "near" }', plugin_path=near, routes=route(
        's.cached(s.target "up/m", { store = "near", mode = "semantic", threshold = 0.95 })'))
    chat(gate.port, "How are you?")
    assert content(chat(gate.port, "how are you")) == "how are you!"
    assert content(chat(gate.port, "How are you?")) == "How are you?!"
    assert len(up.requests) == 2


def test_a_cache_that_is_only_semantic_is_not_asked_for_exact_answers(gateway, upstream, near):
    gate = gateway(upstream(), config='cache "near" { plugin = "near" }', plugin_path=near,
                   wait=False, routes=route('s.cached(s.target "up/m", { store = "near" })'))
    gate.may_fail = True
    assert gate.wait() != 0
    assert "the cache 'near' knows no mode \"exact\"" in gate.output()


# ---- one call for all who ask the same


class Crowd:
    """Clients that ask at the same time, each on a connection of its own."""

    def __init__(self, port, count, stream=False, headers=()):
        body = {"model": "m", "messages": [{"role": "user", "content": "hi"}]}
        if stream:
            body["stream"] = True
        self.clients = []
        for _ in range(count):
            client = Connection(port)
            client.send(request_bytes("POST", "/v1/chat/completions", body, headers))
            self.clients.append(client)

    def answers(self):
        return [client.read_response() for client in self.clients]


class Held:
    """An upstream handler whose answers wait until the test lets them go."""

    def __init__(self, *answers):
        self.answers = list(answers)
        self.go = threading.Event()
        self.count = 0
        self.ended = []

    def __call__(self, conn, request):
        number, self.count = self.count, self.count + 1
        answer = self.answers[min(number, len(self.answers) - 1)]
        answer(self, conn, request)


def held_answer(held, conn, request):
    held.go.wait(20)
    says(conn, request)


def held_error(held, conn, request):
    held.go.wait(20)
    conn.answer(error_json("no"), 500)


def silent(held, conn, request):
    try:
        conn.wait_closed(30)
    except (Gone, OSError):
        pass
    held.ended.append(True)
    raise Gone("left")


def cached(options="", target='s.target "up/m"'):
    return route(f's.cached({target}, {{ store = "memory", {options} }})')


def arrived(gate, count):
    """So many requests are inside of the gateway."""
    def inside():
        return sum(value for name, value in gate.metrics().items()
                   if name.startswith("headgate_open_requests")) >= count
    wait_for(inside, f"{count} requests to be inside")


def crowd(gate, up, count, **more):
    """A crowd of which all are inside and one is at the provider."""
    made = Crowd(gate.port, count, **more)
    wait_for(lambda: len(up.requests) >= 1, "the first to ask")
    arrived(gate, count)
    return made


@pytest.mark.parametrize("stream", [False, True])
def test_who_asks_the_same_at_the_same_time_gets_one_answer(gateway, upstream, stream):
    held = Held(held_answer)
    up = upstream(held)
    gate = gateway(up, config=MEMORY, routes=cached())
    clients = crowd(gate, up, 8, stream=stream)
    held.go.set()
    answers = clients.answers()
    assert [content(answer) for answer in answers] == ["hi!"] * 8
    assert len(up.requests) == 1
    assert sorted(answer.header("x-headgate-cache") for answer in answers) == \
        ["hit"] * 7 + ["miss"]
    records = gate.wait_records(8)
    assert sorted(len(record["attempts"]) for record in records) == [0] * 7 + [1]


def test_streams_and_whole_answers_wait_for_different_keys_but_fit_each_other(gateway, upstream):
    held = Held(held_answer)
    up = upstream(held)
    gate = gateway(up, config=MEMORY, routes=cached())
    first = crowd(gate, up, 2, stream=True)
    second = Crowd(gate.port, 2)
    arrived(gate, 4)
    held.go.set()
    assert [content(answer) for answer in first.answers() + second.answers()] == ["hi!"] * 4
    assert len(up.requests) == 1


def test_nobody_waits_for_another_tenant(gateway, upstream):
    held = Held(held_answer)
    up = upstream(held)
    gate = gateway(up, config=MEMORY, routes=cached())
    crowds = [Crowd(gate.port, 2, headers={"Authorization": f"Bearer {name}"})
              for name in ("ann", "bob", "cid")]
    wait_for(lambda: len(up.requests) == 3, "one of each to ask")
    held.go.set()
    for one in crowds:
        assert [content(answer) for answer in one.answers()] == ["hi!"] * 2
    assert len(up.requests) == 3


@pytest.mark.parametrize("stream", [False, True])
def test_when_the_first_fails_the_next_one_goes(gateway, upstream, stream):
    held = Held(held_error, held_answer)
    up = upstream(held)
    gate = gateway(up, config=MEMORY, routes=cached())
    clients = crowd(gate, up, 5, stream=stream)
    held.go.set()
    answers = clients.answers()
    assert sorted(answer.status for answer in answers) == [200] * 4 + [500]
    assert len(up.requests) == 2


def test_when_a_stream_breaks_the_next_one_goes(gateway, upstream):
    def breaks(held, conn, request):
        conn.stream(chat_events(["a"])[:2], end=False)
        held.go.wait(20)
        conn.reset()

    held = Held(breaks, held_answer)
    up = upstream(held)
    gate = gateway(up, config=MEMORY, routes=cached())
    clients = crowd(gate, up, 4, stream=True)
    held.go.set()
    answers = clients.answers()
    assert sum(b'"error"' in answer.body for answer in answers) == 1
    assert sum(b"hi!" in answer.body for answer in answers) == 3
    assert len(up.requests) == 2


@pytest.mark.parametrize("stream", [False, True])
def test_when_the_client_of_the_first_leaves_the_next_one_goes(gateway, upstream, stream):
    held = Held(silent, held_answer)
    up = upstream(held)
    gate = gateway(up, config=MEMORY, routes=cached())
    leader = crowd(gate, up, 1, stream=stream)
    others = Crowd(gate.port, 3, stream=stream)
    arrived(gate, 4)
    leader.clients[0].reset()
    wait_for(lambda: len(up.requests) == 2, "the next one to ask")
    held.go.set()
    assert [content(answer) for answer in others.answers()] == ["hi!"] * 3
    assert held.ended and len(up.requests) == 2


@pytest.mark.parametrize("wrap", ["%s", 's.timeout(%s, "300ms")'])
def test_the_next_one_goes_though_the_request_of_the_first_goes_on(gateway, upstream, wrap):
    first = silent if "timeout" in wrap else held_error
    held = Held(first, held_answer)
    up = upstream(held)
    ask = 's.cached(s.target "up/m", { store = "memory" })'
    gate = gateway(up, config=MEMORY, routes=route(
        "function(req) if not req.headers['x-first'] then return ask(req) end "
        "local resp, err = first(req) if resp then return resp end "
        "s.sleep '8s' return nil, err end", f"local ask = {ask} local first = {wrap % 'ask'}"))
    leader = Crowd(gate.port, 1, headers={"x-first": "1"})
    wait_for(lambda: up.requests, "the first to ask")
    began = time.monotonic()
    held.go.set()
    assert content(Crowd(gate.port, 1).answers()[0]) == "hi!"
    assert time.monotonic() - began < 6
    assert not leader.clients[0].is_closed()


def test_who_leaves_while_waiting_harms_nobody(gateway, upstream):
    held = Held(held_answer)
    up = upstream(held)
    gate = gateway(up, config=MEMORY, routes=cached())
    leader = crowd(gate, up, 1)
    leaving, staying = Crowd(gate.port, 2), Crowd(gate.port, 2)
    arrived(gate, 5)
    for client in leaving.clients:
        client.reset()
    gate.wait_records(2)
    held.go.set()
    assert [content(answer) for answer in leader.answers() + staying.answers()] == ["hi!"] * 3
    assert len(up.requests) == 1


def test_nobody_waits_longer_than_the_route_says(gateway, upstream):
    held = Held(held_answer, lambda held, conn, request: says(conn, request))
    up = upstream(held)
    gate = gateway(up, config=MEMORY, routes=cached('wait = "200ms"'))
    leader = crowd(gate, up, 1)
    began = time.monotonic()
    assert [content(answer) for answer in Crowd(gate.port, 2).answers()] == ["hi!"] * 2
    assert 0.15 < time.monotonic() - began < 5
    assert len(up.requests) == 3
    held.go.set()
    assert content(leader.answers()[0]) == "hi!"


@pytest.mark.parametrize("options", ["wait = false", 'wait = "0s"'])
def test_waiting_can_be_turned_off(gateway, upstream, options):
    held = Held(held_answer)
    up = upstream(held)
    gate = gateway(up, config=MEMORY, routes=cached(options))
    clients = Crowd(gate.port, 3)
    wait_for(lambda: len(up.requests) == 3, "all to ask")
    held.go.set()
    assert [content(answer) for answer in clients.answers()] == ["hi!"] * 3


def test_caches_inside_of_caches_do_not_wait_for_themselves(gateway, upstream):
    up = upstream(says)
    inner = 's.cached(s.target "up/m", { store = "memory" })'
    gate = gateway(up, config=MEMORY, routes=cached(target=inner))
    assert content(chat(gate.port, "hi")) == "hi!"
    assert content(chat(gate.port, "hi", stream=True)) == "hi!"
    assert len(up.requests) == 1


def test_a_response_that_is_not_used_keeps_nobody_waiting(gateway, upstream):
    held = Held(lambda held, conn, request: says(conn, request))
    up = upstream(held)
    gate = gateway(up, config=MEMORY, routes=route(
        "function(req) local resp = ask(req) "
        "if req.headers['x-drop'] then s.sleep '300ms' return s.deny(418, 'dropped') end "
        "return resp end", 'local ask = s.cached(s.target "up/m", { store = "memory" })'))
    drops = crowd(gate, up, 1, stream=True, headers={"x-drop": "1"})
    assert content(Crowd(gate.port, 1, stream=True).answers()[0]) == "hi!"
    assert drops.answers()[0].status == 418


# ---- what is kept


GUARDS = MEMORY + """
guard "cards" { plugin = "regex", action = "redact", sets = { "credit_card" } }
guard "mails" { plugin = "regex", action = "redact", sets = { "email" } }
"""
SECRET = "4111111111111111"


def leaks(conn, request):
    words = ["the card is 4111", "1111", "1111", "1111 of ann@example.com so"]
    if request.json().get("stream"):
        conn.stream(chat_events(words))
    else:
        conn.answer(chat_json("".join(words)))


@pytest.mark.parametrize("first", [False, True])
@pytest.mark.parametrize("second", [False, True])
@pytest.mark.parametrize("handler", [
    's.cached(s.guard(ask, { output = { "cards" } }), { store = "memory" })',
    's.guard(s.cached(ask, { store = "memory" }), { output = { "cards" } })',
])
def test_a_guard_holds_for_answers_from_the_cache(gateway, upstream, handler, first, second):
    up = upstream(leaks)
    gate = gateway(up, config=GUARDS, routes=route(handler, 'local ask = s.target "up/m"'))
    for stream in (first, second):
        text = content(chat(gate.port, stream=stream))
        assert SECRET not in text and text.startswith("the card is ") and text.endswith("so")
    assert len(up.requests) == 1


@pytest.mark.parametrize("stream", [False, True])
def test_each_of_two_guards_around_each_other_holds(gateway, upstream, stream):
    gate = gateway(upstream(leaks), config=GUARDS, routes=route(
        's.guard(s.guard(s.target "up/m", { output = { "cards" } }), { output = { "mails" } })'))
    text = content(chat(gate.port, stream=stream))
    assert SECRET not in text and "ann@" not in text


@pytest.mark.parametrize("stream", [False, True])
def test_what_a_guard_inside_has_changed_is_found_again(gateway, upstream, stream):
    up = upstream(lambda conn, request: says(conn, request))
    gate = gateway(up, config=GUARDS, routes=cached(
        target='s.guard(s.target "up/m", { input = { "cards" } })'))
    texts = {content(chat(gate.port, f"my card is {SECRET}", stream=stream)) for _ in range(2)}
    assert len(texts) == 1 and SECRET not in texts.pop()
    assert len(up.requests) == 1
