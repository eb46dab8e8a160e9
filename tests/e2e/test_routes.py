"""The ten example routes and what they are made of, with real providers behind them."""

import json
import threading
import time

import pytest

from support.client import Gone, ask, chat
from support.upstream import DONE, chat_events, chat_json, error_json, plain, sse, tells_of_failure
from support.wait import wait_for

HEAD = 'local s = require "headgate"\n'


def has_ended(up):
    """Its first connection was accepted, which may come late, and is closed."""
    return up.connections and up.connections[0].sock.fileno() < 0


def route(handler, more=""):
    """One route for chat completions whose handler is the given Lua."""
    return {"chat.lua": HEAD + f'{more}\nreturn s.route {{ path = "/v1/chat/completions", '
                               f'handler = {handler} }}\n'}


def says(text):
    def handler(conn, request):
        if request.json().get("stream"):
            conn.stream(chat_events([text]))
        else:
            conn.answer(chat_json(text))

    return handler


def fails(status, headers=()):
    return lambda conn, request: conn.answer(error_json("no"), status, headers=headers)


def silent(conn, request):
    conn.wait_closed(30)


def text_of(answer):
    assert answer.status == 200, answer.body
    if answer.header("content-type").startswith("text/event-stream"):
        return "".join(choice["delta"].get("content") or ""
                       for _, data in answer.events() if data != "[DONE]"
                       for choice in json.loads(data)["choices"])
    return answer.json()["choices"][0]["message"]["content"]


@pytest.fixture
def routed(gateway, upstream):
    """routed(routes, name=handler, ...) gives the gateway and the upstreams by name."""

    def make(routes, config="", workers=1, **handlers):
        ups = {name: upstream(handler) for name, handler in handlers.items()}
        gate = gateway(providers={name: up.url for name, up in ups.items()}, routes=routes,
                       config=config, workers=workers)
        return gate, ups

    return make


# ---- 1 simple


@pytest.mark.parametrize("stream", [False, True])
def test_a_target_is_asked_whatever_the_client_calls_its_model(routed, stream):
    gate, ups = routed(route('s.target "a/gpt-4o-mini"'), a=says("hi"))
    assert text_of(chat(gate.port, model="anything", stream=stream)) == "hi"
    assert ups["a"].requests[0].json()["model"] == "gpt-4o-mini"


def test_parameters_of_a_target_are_put_into_the_request(routed):
    gate, ups = routed(route('s.target("a/m", { temperature = 0, seed = 7 })'), a=says("hi"))
    chat(gate.port, temperature=1)
    sent = ups["a"].requests[0].json()
    assert (sent["temperature"], sent["seed"]) == (0, 7)


# ---- 2 fallback


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("status", [429, 500, 503])
def test_the_second_answers_when_the_first_fails(routed, status, stream):
    gate, ups = routed(route('s.fallback { s.target "a/m", s.target "b/n" }'),
                       a=fails(status), b=says("second"))
    assert text_of(chat(gate.port, stream=stream)) == "second"
    record = gate.wait_records()[0]
    assert json.dumps(record).count(str(status)) >= 1


def test_a_mistake_of_the_client_is_not_tried_elsewhere(routed):
    gate, ups = routed(route('s.fallback { s.target "a/m", s.target "b/n" }'),
                       a=fails(400), b=says("second"))
    assert chat(gate.port).status == 400
    assert ups["b"].requests == []


def test_when_all_fail_the_last_error_is_told(routed):
    gate, _ = routed(route('s.fallback { s.target "a/m", s.target "b/n" }'),
                     a=fails(500), b=fails(503))
    assert chat(gate.port).status == 503


def test_a_stream_that_stays_silent_is_left_for_the_next(routed):
    def slow(conn, request):
        conn.head(content_type="text/event-stream")
        conn.wait_closed(30)

    gate, ups = routed(
        route('s.fallback { s.target "a/m", s.target "b/n", first_token = "200ms" }'),
        a=slow, b=says("second"))
    assert text_of(chat(gate.port, stream=True)) == "second"
    wait_for(lambda: has_ended(ups["a"]), "the silent call to be ended")


def test_an_error_as_first_event_is_no_commitment(routed):
    gate, _ = routed(route('s.fallback { s.target "a/m", s.target "b/n" }'),
                     a=lambda conn, request: conn.stream([sse(error_json("early"))]),
                     b=says("second"))
    assert text_of(chat(gate.port, stream=True)) == "second"


def test_after_the_first_event_there_is_no_second_attempt(routed):
    def breaks(conn, request):
        conn.stream(chat_events(["a"])[:2], end=False)
        conn.reset()

    gate, ups = routed(route('s.fallback { s.target "a/m", s.target "b/n" }'),
                       a=breaks, b=says("second"))
    answer = chat(gate.port, stream=True)
    assert answer.status == 200 and b'"error"' in answer.body
    assert ups["b"].requests == []


# ---- 3 balance


def test_weights_share_the_traffic(routed):
    gate, ups = routed(route('s.balance { { s.target "a/m", weight = 3 }, '
                             '{ s.target "b/m", weight = 1 } }'), a=says("a"), b=says("b"))
    for _ in range(80):
        chat(gate.port)
    share = len(ups["a"].requests) / 80
    assert 0.5 < share < 0.95


def test_a_session_stays_where_it_is(routed):
    gate, ups = routed(route('s.balance { { s.target "a/m", weight = 1 }, '
                             '{ s.target "b/m", weight = 1 }, sticky = s.by.metadata "session" }'),
                       a=says("a"), b=says("b"))
    for session in range(8):
        texts = {text_of(chat(gate.port, metadata={"session": f"s{session}"})) for _ in range(4)}
        assert len(texts) == 1
    assert ups["a"].requests and ups["b"].requests


# ---- 4 conditions


def test_metadata_decides(routed):
    gate, _ = routed(route("function(req) if req.metadata.tier == 'paid' then return paid(req) end "
                           "return free(req) end",
                           'local paid, free = s.target "a/m", s.target "b/m"'),
                     a=says("paid"), b=says("free"))
    assert text_of(chat(gate.port, metadata={"tier": "paid"})) == "paid"
    assert text_of(chat(gate.port)) == "free"
    assert text_of(chat(gate.port, headers={"x-headgate-metadata": '{"tier":"paid"}'})) == "paid"


def test_a_switch_chooses_by_metadata(routed):
    gate, _ = routed(route('s.switch { { s.target "a/m", '
                           'when = { metadata = { tier = "paid" } } }, '
                           'default = s.target "b/m" }'), a=says("paid"), b=says("free"))
    assert text_of(chat(gate.port, metadata={"tier": "paid"})) == "paid"
    assert text_of(chat(gate.port)) == "free"


# ---- 5 retry, guard, cache


def test_a_retry_asks_again_and_obeys_retry_after(routed):
    count = [0]

    def second_time(conn, request):
        count[0] += 1
        if count[0] == 1:
            conn.answer(error_json("slow down"), 429, headers=[("Retry-After", "0.3")])
        else:
            conn.answer(chat_json("now"))

    gate, ups = routed(route('s.retry(s.target "a/m", '
                             '{ attempts = 3, backoff = { "10ms", "50ms" } })'),
                       a=second_time)
    began = time.monotonic()
    assert text_of(chat(gate.port)) == "now"
    assert time.monotonic() - began > 0.25
    assert len(ups["a"].requests) == 2
    assert len(gate.wait_records()) == 1


def test_retries_end(routed):
    gate, ups = routed(route('s.retry(s.target "a/m", '
                             '{ attempts = 3, backoff = { "5ms", "9ms" } })'),
                       a=fails(500))
    assert chat(gate.port).status in (500, 502)
    assert len(ups["a"].requests) == 3


CACHE = 'cache "memory" { plugin = "memory", max_size = "16MB" }'


@pytest.mark.parametrize("stream", [False, True])
def test_the_same_question_is_answered_from_the_cache(routed, stream):
    gate, ups = routed(route('s.cached(s.target "a/m", { store = "memory", ttl = "1m" })'),
                       CACHE, a=says("once"))
    first = chat(gate.port, stream=stream)
    second = chat(gate.port, stream=stream)
    assert text_of(first) == text_of(second) == "once"
    assert first.body == second.body
    assert (first.header("x-headgate-cache"), second.header("x-headgate-cache")) == ("miss", "hit")
    assert len(ups["a"].requests) == 1
    chat(gate.port, "another question", stream=stream)
    chat(gate.port, temperature=0.5, stream=stream)
    assert len(ups["a"].requests) == 3


def test_the_order_of_members_makes_no_other_question_but_how_values_are_written_does(routed):
    gate, ups = routed(route('s.cached(s.target "a/m", { store = "memory", ttl = "1m" })'),
                       CACHE, a=says("once"))

    def asked(body):
        answer = ask(gate.port, "POST", "/v1/chat/completions", body)
        assert text_of(answer) == "once"
        return answer.header("x-headgate-cache")

    message = b'"messages":[{"role":"user","content":"Hello"}]'
    spaced = b'"messages":[ {"role":"user","content":"Hello"} ]'
    assert asked(b'{"model":"m","n":1,' + message + b"}") == "miss"
    assert asked(b'{ ' + message + b' , "user":"me", "n" : 1,"model":"m"}') == "hit"
    assert asked(b'{"model":"m",' + message + b',"n":2}') == "miss"
    assert asked(b'{"model":"m",' + spaced + b',"n":1}') == "miss"
    assert asked(b'{"model":"m",' + spaced + b',"n":1}') == "hit"
    assert len(ups["a"].requests) == 3


def test_the_cache_is_shared_by_all_workers(routed):
    gate, ups = routed(route('s.cached(s.target "a/m", { store = "memory", ttl = "1m" })'),
                       CACHE, workers=2, a=says("once"))
    for _ in range(12):
        assert text_of(chat(gate.port)) == "once"
    assert len(ups["a"].requests) == 1


def test_broken_answers_and_errors_are_not_kept(routed):
    count = [0]

    def better_later(conn, request):
        count[0] += 1
        if count[0] == 1:
            conn.stream(chat_events(["a"])[:2], end=False)
            conn.reset()
        elif count[0] == 2:
            conn.answer(error_json("no"), 500)
        else:
            conn.stream(chat_events(["whole"]))

    gate, _ = routed(route('s.cached(s.target "a/m", { store = "memory", ttl = "1m" })'),
                     CACHE, a=better_later)
    assert b'"error"' in chat(gate.port, stream=True).body
    assert chat(gate.port, stream=True).status >= 500
    assert text_of(chat(gate.port, stream=True)) == "whole"
    assert text_of(chat(gate.port, stream=True)) == "whole"
    assert count[0] == 3


GUARD = 'guard "pii" { plugin = "regex", action = "%s", sets = { "credit_card" } }'


def test_a_guard_denies_a_request(routed):
    gate, ups = routed(route('s.guard(s.target "a/m", { input = { "pii" } })'),
                       GUARD % "deny", a=says("hi"))
    answer = chat(gate.port, "my card is 4111111111111111")
    assert 400 <= answer.status < 500
    assert b"4111111111111111" not in answer.body
    assert ups["a"].requests == []
    assert text_of(chat(gate.port, "harmless")) == "hi"


def test_a_guard_redacts_what_goes_out(routed):
    gate, ups = routed(route('s.guard(s.target "a/m", { input = { "pii" } })'),
                       GUARD % "redact", a=says("hi"))
    assert text_of(chat(gate.port, "my card is 4111111111111111, keep")) == "hi"
    sent = ups["a"].requests[0].body
    assert b"4111111111111111" not in sent and b"keep" in sent


@pytest.mark.parametrize("stream", [False, True])
def test_a_guard_watches_what_comes_back(routed, stream):
    def leaks(conn, request):
        words = ["the card is 4111", "1111", "1111", "1111 so"]
        if request.json().get("stream"):
            conn.stream(chat_events(words))
        else:
            conn.answer(chat_json("".join(words)))

    gate, _ = routed(route('s.guard(s.target "a/m", { output = { "pii" }, on_error = "deny" })'),
                     GUARD % "deny", a=leaks)
    answer = chat(gate.port, stream=stream)
    assert b"4111111111111111" not in answer.body.replace(b'"', b"")
    assert tells_of_failure(answer.body) if stream else b'"error"' in answer.body


UNREADABLE = {
    "sound": ("/v1/audio/speech", "audio/mpeg", b"\xff\xf3 secret"),
    "a picture": ("/v1/images/generations", "application/json", b'{"data":[{"b64_json":"secret"}]}'),
    "unknown events": ("/v1/images/generations", "text/event-stream", b"data: secret\n\n"),
}


@pytest.mark.parametrize("name", UNREADABLE)
@pytest.mark.parametrize("on_error", ["", 'on_error = "deny"', 'on_error = "allow"'])
def test_what_guards_cannot_read_passes_only_if_the_route_says_so(routed, name, on_error):
    path, content_type, body = UNREADABLE[name]
    gate, ups = routed(
        {"a.lua": 'local s = require "headgate" return s.route { '
                  f'handler = s.guard(s.target "a/m", {{ output = {{ "pii" }}, {on_error} }}) }}'},
        GUARD % "deny", a=lambda conn, request: conn.answer(body, content_type=content_type))
    answer = ask(gate.port, "POST", path, {"model": "m", "input": "x", "prompt": "x"})
    if "allow" in on_error:
        assert answer.status == 200 and answer.body == body
    else:
        assert answer.status == 403 and b"secret" not in answer.body
        assert answer.json()["error"]["code"] == "guard_cannot_read"
        assert answer.json()["error"]["message"].endswith("cannot read this kind of answer")
    assert len(ups["a"].requests) == 1


# ---- 6 hedge


def test_a_hedge_starts_the_second_when_the_first_is_slow(routed):
    gate, ups = routed(route('s.hedge { s.target "a/m", s.target "b/n", after = "100ms" }'),
                       a=silent, b=says("second"))
    assert text_of(chat(gate.port, stream=True)) == "second"
    wait_for(lambda: has_ended(ups["a"]), "the slow call to be ended")


def test_a_hedge_does_not_start_the_second_when_the_first_is_quick(routed):
    gate, ups = routed(route('s.hedge { s.target "a/m", s.target "b/n", after = "5s" }'),
                       a=says("first"), b=says("second"))
    assert text_of(chat(gate.port)) == "first"
    assert ups["b"].requests == []


# ---- 7 canary and shadow


def test_a_canary_gets_its_share(routed):
    gate, ups = routed(route('s.canary { stable = s.target "a/m", candidate = s.target "b/m", '
                             'percent = 50, by = s.by.metadata "user" }'), a=says("a"), b=says("b"))
    for user in range(40):
        chat(gate.port, metadata={"user": f"u{user}"})
    assert 5 < len(ups["b"].requests) < 35


def test_a_shadow_is_asked_and_its_answer_dropped(routed):
    gate, ups = routed(route('s.shadow(s.target "a/m", { to = s.target "b/m", sample = 1 })'),
                       a=says("live"), b=says("shadow"))
    assert text_of(chat(gate.port)) == "live"
    wait_for(lambda: ups["b"].requests, "the shadow to be asked")


def test_a_broken_shadow_harms_nobody(routed):
    gate, _ = routed(route('s.shadow(s.target "a/m", { to = s.target "b/m", sample = 1 })'),
                     a=says("live"), b=lambda conn, request: conn.reset())
    for _ in range(5):
        assert text_of(chat(gate.port)) == "live"


def shadowed(routed, shadow, to='s.target "b/m"', live=says("live")):
    return routed(route(f's.shadow(s.target "a/m", {{ to = {to}, sample = 1 }})'),
                  a=live, b=shadow)


@pytest.mark.parametrize("stream", [False, True])
def test_a_shadow_that_ends_first_is_in_the_record_of_its_request(routed, stream):
    done = threading.Event()

    def shadow(conn, request):
        says("shadow")(conn, request)
        done.set()

    def live(conn, request):
        done.wait(10)
        time.sleep(0.2)
        says("live")(conn, request)

    gate, _ = shadowed(routed, shadow, live=live)
    assert text_of(chat(gate.port, stream=stream)) == "live"
    record = gate.wait_records()[0]
    assert [attempt.get("shadow", False) for attempt in record["attempts"]] in \
        ([True, False], [False, True])
    assert record["target"] == "a/m" and "parent" not in record
    time.sleep(0.2)
    assert len(gate.records()) == 1
    assert gate.metrics()["headgate_attempts_total"] == 2


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("shadow, outcome, status", [
    (says("shadow"), "ok", 200),
    (fails(503), "upstream_5xx", 503),
    (lambda conn, request: (conn.stream(chat_events(["x"])[:2], end=False), conn.reset()),
     "connect", 200),
])
def test_a_shadow_that_ends_last_has_a_record_of_its_own(routed, shadow, outcome, status, stream):
    go = threading.Event()

    def late(conn, request):
        go.wait(20)
        shadow(conn, request)

    gate, _ = shadowed(routed, late)
    assert text_of(chat(gate.port, stream=True)) == "live"
    parent = gate.wait_records(1)[0]
    assert len(parent["attempts"]) == 1 and parent["outcome"] == "ok"
    go.set()
    record = gate.wait_records(2)[1]
    assert record["parent"] == parent["id"] != record["id"] and record["shadow"] is True
    assert record["status"] == status
    assert record["outcome"] == outcome or outcome == "connect" and record["truncated"]
    assert record["route"] == parent["route"] and record["model"] == parent["model"]
    (attempt,) = record["attempts"]
    assert attempt["target"] == "b/m" and attempt["shadow"] is True
    assert attempt["outcome"] == record["outcome"]
    assert gate.metrics()["headgate_attempts_total"] == 2
    assert gate.metrics()['headgate_requests_total{code="2xx"}'] == 1


def test_a_shadow_cut_by_the_end_of_the_gateway_is_recorded_too(routed):
    gate, ups = shadowed(routed, silent)
    assert text_of(chat(gate.port)) == "live"
    gate.wait_records(1)
    wait_for(lambda: ups["b"].requests, "the shadow to be asked")
    gate.stop()
    assert [record["outcome"] for record in gate.records()] == ["ok", "cancelled"]


# ---- 8 to 10: denial, tags, own authentication


def test_a_route_can_deny(routed):
    gate, ups = routed(route('function(req) return s.deny(402, "budget used up") end'), a=says("x"))
    answer = chat(gate.port)
    assert answer.status == 402
    assert answer.json()["error"]["message"] == "budget used up"


def test_a_route_can_set_headers_and_tags(routed):
    gate, _ = routed(route("function(req) req:tag('exp-42', 'control') "
                           "local resp, err = ask(req) if resp then resp:header('x-arm', 'c') end "
                           "return resp, err end", 'local ask = s.target "a/m"'), a=says("hi"))
    assert chat(gate.port).header("x-arm") == "c"
    record = json.dumps(gate.wait_records()[0])
    assert "exp-42" in record and "control" in record


def test_a_header_from_lua_cannot_split_the_answer(routed):
    gate, _ = routed(route("function(req) local resp, err = ask(req) "
                           "resp:header('x-a', 'b\\r\\nx-evil: 1') return resp, err end",
                           'local ask = s.target "a/m"'), a=says("hi"))
    answer = chat(gate.port)
    assert answer.header("x-evil") is None


def test_a_route_asks_its_own_identity_provider_and_remembers(routed, upstream):
    def idp(conn, request):
        conn.answer({"active": b"token=good" in request.body, "sub": "ann"})

    server = upstream(idp)
    auth = """
    local idp, seen = s.http "idp", s.shared "sessions"
    local ask = s.target "a/m"
    local function auth(req)
      local token = (req.headers.authorization or ""):match "^Bearer (%S+)$"
      if not token then return s.deny(401, "no bearer token") end
      local user = seen:get(token)
      if not user then
        local r, err = idp:post("/introspect", { form = { token = token }, timeout = "2s" })
        if not r then return nil, err end
        local doc = r:json()
        if not doc.active then return s.deny(401, "token is not active") end
        user = doc.sub
        seen:set(token, user, "5m")
      end
      req.metadata.user = user
      return true
    end
    return s.route { path = "/v1/chat/completions", auth = auth, handler = ask }
    """
    gate, ups = routed({"auth.lua": HEAD + auth},
                       f'http "idp" {{ base_url = "http://127.0.0.1:{server.port}" }}',
                       a=says("hi"))
    assert chat(gate.port).status == 401
    assert chat(gate.port, headers={"Authorization": "Bearer bad"}).status == 401
    assert ups["a"].requests == []
    for _ in range(3):
        assert text_of(chat(gate.port, headers={"Authorization": "Bearer good"})) == "hi"
    assert len(server.requests) == 2
    assert server.requests[0].target == "/introspect"


# ---- more of the language


def test_a_race_takes_the_first_that_answers(routed):
    gate, ups = routed(route("function(req) return s.race(req, { a, b }) end",
                             'local a, b = s.target "a/m", s.target "b/m"'),
                       a=silent, b=says("quick"))
    assert text_of(chat(gate.port)) == "quick"
    wait_for(lambda: has_ended(ups["a"]), "the loser to be ended")


def test_a_timeout_ends_the_call(routed):
    gate, ups = routed(route('s.timeout(s.target "a/m", "150ms")'), a=silent)
    assert chat(gate.port).status == 504
    wait_for(lambda: has_ended(ups["a"]), "the call to be ended")


def test_the_deadline_of_a_route_ends_it(routed):
    gate, _ = routed({"chat.lua": HEAD + 'return s.route { path = "/v1/chat/completions", '
                                         'deadline = "150ms", handler = s.target "a/m" }'},
                     a=silent)
    assert chat(gate.port).status == 504


def test_sleeping_routes_do_not_keep_others_waiting(routed):
    gate, _ = routed(route("function(req) s.sleep(req.metadata.wait or '0s') return ask(req) end",
                           'local ask = s.target "a/m"'), a=says("hi"))
    results = []
    slow = threading.Thread(
        target=lambda: results.append(chat(gate.port, metadata={"wait": "600ms"})))
    slow.start()
    began = time.monotonic()
    for _ in range(5):
        assert text_of(chat(gate.port)) == "hi"
    assert time.monotonic() - began < 0.5
    slow.join()
    assert results[0].status == 200


def test_finally_hears_how_it_ended(routed):
    gate, _ = routed(route("function(req) req:finally(function(outcome) "
                           "seen:incr('ended', 1, '1m') end) "
                           "req:tag('before', tostring(seen:get('ended') or 0)) "
                           "return ask(req) end",
                           'local ask, seen = s.target "a/m", s.shared "seen"'), a=says("hi"))
    assert text_of(chat(gate.port)) == "hi"
    assert len(gate.wait_records(1)) == 1

    def has_counted():
        chat(gate.port)
        return any('"before": "0"' not in json.dumps(record) and "before" in json.dumps(record)
                   for record in gate.records())

    wait_for(has_counted, "finally to have run")


def test_an_error_in_lua_is_a_500_without_its_inside(routed):
    gate, _ = routed(route("function(req) error('inner secret words') end"), a=says("hi"))
    answer = chat(gate.port)
    assert answer.status == 500
    assert b"inner secret words" not in answer.body
    wait_for(lambda: "inner secret words" in gate.output(), "the traceback in the log")
    assert "chat.lua" in gate.output()


def test_routes_are_chosen_by_path_and_match(routed):
    gate, _ = routed({
        "a.lua": HEAD + 'return s.route { path = "/v1/chat/completions", '
                        'match = function(req) return req.metadata.x == "1" end, '
                        'handler = s.target "a/m" }',
        "b.lua": HEAD + 'return s.route { path = "/v1/chat/completions", '
                        'handler = s.target "b/m" }',
    }, a=says("a"), b=says("b"))
    assert text_of(chat(gate.port, metadata={"x": "1"})) == "a"
    assert text_of(chat(gate.port, metadata={"x": "2"})) == "b"


@pytest.mark.parametrize("source, words", [
    ('return s.route { path = "/x", handler = s.target "nobody/m" }', "nobody"),
    ('return s.route { path = "/x", handlr = s.target "a/m" }', "handler"),
    ("return s.route {", "chat.lua"),
    ("x = 1 return nil", "chat.lua"),
])
def test_a_wrong_route_is_refused_at_the_start_with_its_place(gateway, upstream, source, words):
    gate = gateway(providers={"a": upstream().url}, routes={"chat.lua": HEAD + source}, wait=False)
    gate.may_fail = True
    assert gate.wait() != 0
    assert words in gate.output()


def test_plain_is_the_default_handler(routed):
    gate, _ = routed({}, a=plain)
    assert ask(gate.port, "POST", "/v1/chat/completions",
               {"model": "a/m", "messages": [{"role": "user", "content": "x"}]}).status == 200


def test_a_silent_shadow_is_ended_too(routed):
    ended = []

    def watch(conn, request):
        try:
            conn.wait_closed(30)
        except (Gone, OSError):
            pass
        ended.append(True)

    gate, _ = routed(route('s.shadow(s.target "a/m", { to = s.timeout(s.target "b/m", "200ms"), '
                           'sample = 1 })'), a=says("live"), b=watch)
    assert text_of(chat(gate.port)) == "live"
    wait_for(lambda: ended, "the shadow call to be ended")


def test_a_stream_through_every_wrapper_still_streams(routed):
    gate, _ = routed(route('s.timeout(s.cached(s.retry('
                           's.fallback { s.target "a/m", s.target "b/n" }, '
                           '{ attempts = 2 }), { store = "memory", ttl = "1m" }), "30s")'),
                     CACHE, a=fails(503), b=says("deep"))
    answer = chat(gate.port, stream=True)
    assert text_of(answer) == "deep" and answer.body.endswith(DONE)


@pytest.mark.parametrize("host, text", [
    ("api.example.com", "a"), ("API.example.com:8080", "a"), ("x.api.example.com", "b"),
    ("example.com", "c"), ("special.example.com:99", "d"), ("special.example.com:98", "b"),
    ("[::1]:8787", "a"), ("other", "c"),
])
def test_routes_are_chosen_by_host(routed, host, text):
    def at(host, target):
        return (HEAD + f'return s.route {{ path = "/v1/chat/completions", {host} '
                       f'handler = s.target "{target}/m" }}')

    gate, _ = routed({"1.lua": at('host = { "api.example.com", "[::1]" },', "a"),
                      "2.lua": at('host = "special.example.com:99",', "d"),
                      "3.lua": at('host = "*.example.com",', "b"), "4.lua": at("", "c")},
                     a=says("a"), b=says("b"), c=says("c"), d=says("d"))
    assert text_of(chat(gate.port, headers={"Host": host})) == text


def test_a_route_sees_how_much_time_is_left(routed):
    gate, _ = routed({"chat.lua": HEAD + 'return s.route { path = "/v1/chat/completions", '
                      'deadline = "5s", handler = function(req) s.sleep "100ms" '
                      'return s.deny(418, ("%.1f"):format(req.deadline)) end }'}, a=says("hi"))
    assert 4.0 < float(chat(gate.port).json()["error"]["message"]) < 4.95
