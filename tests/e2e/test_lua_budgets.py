"""Routes that misbehave: each is ended within its budget, and nobody else notices."""

import threading
import time

import pytest

from support.client import chat
from support.upstream import chat_json
from support.wait import wait_for

HEAD = 'local s = require "headgate"\nlocal ask = s.target "up/m"\n'

ENDLESS = {
    "a loop": "while true do end",
    "a loop that catches": "repeat pcall(function() while true do end end) until false",
    "tail calls": "local function f() return f() end return f()",
    "recursion": "local function f() return 1 + f() end return f()",
    "string building": "local t = 'x' while true do t = t .. 'x' end",
    "pattern back-tracking": "return (('x'):rep(200)):find('.-.-.-.-y')",
    "a sort": "local t = {} for i = 1, 1e5 do t[i] = -i end while true do table.sort(t) end",
    "error handlers": "while true do pcall(error, 'x') end",
}

BOMBS = {
    "a table": "local t = {} while true do t[#t + 1] = {} end",
    "string.rep": "return ('x'):rep(1e9)",
    "doubling": "local t = 'x' while true do t = t .. t end",
    "concat": "local t = {} for i = 1, 1e7 do t[i] = 'xxxxxxxxxxxxxxxx' end return table.concat(t)",
    "a format": "return ('%99d'):format(1):rep(1e8)",
    "closures": "local t while true do local u = t t = function() return u end end",
}


def bad_route(source):
    return {
        "bad.lua": HEAD + "return s.route { path = '/v1/chat/completions', match = function(req) "
        f"return req.metadata.bad == '1' end, handler = function(req) {source} end }}",
        "good.lua": HEAD + "return s.route { path = '/v1/chat/completions', handler = ask }",
    }


@pytest.mark.parametrize("name", ENDLESS)
def test_endless_lua_is_ended_and_the_neighbours_go_on(gateway, upstream, name):
    gate = gateway(upstream(lambda conn, request: conn.answer(chat_json("fine"))),
                   routes=bad_route(ENDLESS[name]))
    workers = gate.processes("worker")
    began = time.monotonic()
    answer = chat(gate.port, metadata={"bad": "1"})
    assert answer.status == 500, answer.body
    assert time.monotonic() - began < 5
    assert chat(gate.port).status == 200
    assert gate.processes("worker") == workers
    assert "500" in str(gate.wait_records(2)[0])


@pytest.mark.parametrize("name", BOMBS)
def test_a_memory_bomb_ends_its_own_request_only(gateway, upstream, name):
    gate = gateway(upstream(), routes=bad_route(BOMBS[name]))
    workers = gate.processes("worker")
    answers = []
    threads = [threading.Thread(target=lambda: answers.append(chat(gate.port).status))
               for _ in range(4)]
    for thread in threads:
        thread.start()
    assert chat(gate.port, metadata={"bad": "1"}).status == 500
    for thread in threads:
        thread.join()
    assert answers == [200] * 4
    assert chat(gate.port).status == 200
    assert gate.processes("worker") == workers


# What a script makes the gateway keep is outside of Lua's memory, and counts all the same.
KEPT = {
    "tags": "req:tag('a', big)",
    "headers": "req:header('x-a', big)",
    "refused headers": "pcall(req.header, req, big .. '!', 'x')",
    "metadata": "req.metadata.a = big",
    "shapes": "req:with { a = big }",
    "fields": "req.a = big",
    "finally": "req:finally(print)",
    "JSON": "s.json.encode { big }",
    "values of JSON": "s.json.decode(array)",
}
PATIENT = "lua { cpu_per_resume = 5, cpu_per_request = 5 }"


@pytest.mark.parametrize("name", KEPT)
def test_what_a_script_makes_the_gateway_keep_counts_as_its_memory(gateway, upstream, name):
    gate = gateway(upstream(lambda conn, request: conn.answer(chat_json("fine"))), config=PATIENT,
                   routes=bad_route("local big = ('x'):rep(1000) "
                                    "local array = '[' .. ('1,'):rep(10000) .. '1]' "
                                    f"while true do {KEPT[name]} end"))
    assert chat(gate.port, metadata={"bad": "1"}).status == 500
    gate.wait_line("allocated too much memory for one request")
    assert chat(gate.port).status == 200


@pytest.mark.parametrize("config", ["", PATIENT], ids=["usual", "patient"])
def test_a_table_that_holds_another_one_twice_and_so_on_is_no_endless_json(gateway, upstream,
                                                                           config):
    gate = gateway(upstream(lambda conn, request: conn.answer(chat_json("fine"))), config=config,
                   routes=bad_route("local t = {} for i = 1, 50 do t = { t, t } end "
                                    "return s.json.encode(t)"))
    workers = gate.processes("worker")
    assert chat(gate.port, metadata={"bad": "1"}).status == 500
    gate.wait_line("allocated too much memory for one request|used too much processor time")
    assert chat(gate.port).status == 200
    assert gate.processes("worker") == workers


def test_json_has_an_end_however_much_memory_a_script_may_have(gateway, upstream):
    limits = PATIENT.replace("}", ', memory_per_request = "1GB", memory = "1GB" }')
    gate = gateway(upstream(), config=limits, routes=bad_route(
        "local t = ('x'):rep(1000) for i = 1, 16 do t = { t, t } end "
        "local ok, err = pcall(s.json.encode, t) return nil, { kind = 'denied', message = err }"))
    answer = chat(gate.port, metadata={"bad": "1"})
    assert answer.status == 403
    assert "a table that has more than 16 MB as JSON" in answer.body.decode()


@pytest.mark.parametrize("handler", [
    "s.target('up/m', { f = print })",
    "function(req) return s.http('side'):post('/', { json = { f = print } }) end",
])
def test_a_value_without_a_form_in_json_leaves_nothing_behind(gateway, upstream, handler):
    up = upstream(lambda conn, request: conn.answer(chat_json("fine")))
    gate = gateway(up, config=f'http "side" {{ base_url = "{up.url}" }}', wait=False, routes={
        "a.lua": f"local s = require 'headgate' return s.route {{ handler = {handler} }}"})
    gate.may_fail = True
    wait_for(lambda: not gate.is_running or gate.find(r"serves"), "a decision")
    if gate.is_running:
        gate.port = int(gate.find(r"listening on http://[^ ]*:(\d+)").group(1))
        assert chat(gate.port).status == 500
        gate.stop()
    assert "has no form in JSON" in gate.output()
    assert "LeakSanitizer" not in gate.output()


@pytest.mark.parametrize("seconds", ["0/0", "1/0", "-1/0", "1e300", "-5"])
def test_a_time_to_wait_that_makes_no_sense_is_not_told(gateway, upstream, seconds):
    gate = gateway(upstream(), routes=bad_route(
        f"return nil, {{ kind = 'rate_limited', status = 2^53 // 1 | 0, retry_after = {seconds} }}"))
    answer = chat(gate.port, metadata={"bad": "1"})
    assert answer.status == 429
    assert "retry-after" not in answer.headers
    assert "runtime error" not in gate.output()  # of the sanitizer


@pytest.mark.parametrize("source", [
    "return io.open('/etc/passwd')", "return os.execute('true')", "return load('return 1')()",
    "return debug.getinfo(1)", "return require('os')", "return package.loaded",
    "return dofile('/etc/passwd')", "getmetatable('').__index = nil return nil",
    "return string.dump(function() end)", "return coroutine.create(print)",
    "_G.require = nil return nil", "return setmetatable(_ENV, {})", "return collectgarbage()",
])
def test_there_is_no_way_out_of_the_sandbox(gateway, upstream, source):
    routes = bad_route(source)
    gate = gateway(upstream(), routes=routes, wait=False)
    gate.may_fail = True
    wait_for(lambda: not gate.is_running or gate.find(r"serves"), "a decision")
    if not gate.is_running:
        assert "bad.lua" in gate.output()  # refused when it was loaded
        return
    import re

    gate.port = int(gate.find(r"listening on http://[^ ]*:(\d+)").group(1))
    assert re.search("5..", str(chat(gate.port, metadata={"bad": "1"}).status))
    assert chat(gate.port).status == 200
