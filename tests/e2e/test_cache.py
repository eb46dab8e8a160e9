"""What s.cached promises: modes."""

import pytest

from support.client import chat
from support.compile import compiled
from support.upstream import chat_events, chat_json

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
