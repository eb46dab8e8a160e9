"""Names of models: aliases, the merged list, and counting tokens."""

import json
import threading

import pytest

from support.client import Connection, ask, chat, request_bytes
from support.upstream import chat_json
from support.wait import wait_for


def named(up, alias, **more):
    return {"providers": {"first": up.url, "second": up.url}, "config": f"aliases {{ {alias} }}", **more}


def test_an_alias_stands_for_a_provider_and_its_model(gateway, upstream):
    up = upstream(lambda conn, request: conn.answer(chat_json()))
    gate = gateway(**named(up, 'fast = "second/m-2", ["gpt-4"] = "second/team/m"'))
    for alias, model in (("fast", "m-2"), ("gpt-4", "team/m"), ("faster", "faster")):
        answer = chat(gate.port, model=alias)
        assert answer.status == 200
        assert up.requests[-1].json()["model"] == model
    records = gate.wait_records(3)
    assert [record["attempts"][0]["target"] for record in records] == ["second", "second", "first"]
    assert records[0]["model"] == "fast"


def test_an_alias_is_what_a_route_sees(gateway, upstream):
    up = upstream(lambda conn, request: conn.answer(chat_json()))
    route = """local s = require "headgate"
    local ask = s.target "second"
    return s.route { path = "/...", handler = function(req)
      req:tag("model", req.model)
      return ask(req)
    end }"""
    gate = gateway(**named(up, 'fast = "second/m-2"', routes={"a.lua": route}))
    assert chat(gate.port, model="fast").status == 200
    assert up.requests[-1].json()["model"] == "m-2"
    assert gate.wait_records()[0]["tags"]["model"] == "second/m-2"


def test_an_alias_is_known_in_a_path_as_well(gateway, upstream):
    up = upstream(lambda conn, request: conn.answer(chat_json()))
    gate = gateway(**named(up, 'fast = "second/m-2"'))
    answer = ask(gate.port, "POST", "/v1beta/models/fast:generateContent",
                 json.dumps({"contents": [{"parts": [{"text": "Hi"}]}]}).encode(),
                 {"Content-Type": "application/json"})
    assert answer.status == 200
    assert up.requests[-1].json()["model"] == "m-2"


# ---- the merged list -------------------------------------------------------------------------

OPENAI = {"object": "list", "data": [{"id": "gpt-4o", "object": "model", "created": 1715367049,
                                      "owned_by": "system"},
                                     {"id": "mine", "object": "model", "context_length": 4096}]}
GOOGLE = {"models": [{"name": "models/gemini-2.5-pro", "displayName": "Gemini 2.5 Pro",
                      "inputTokenLimit": 7}]}
COHERE = {"models": [{"name": "command-a-03-2025", "endpoints": ["chat"]}]}
ANTHROPIC_VERSION = {"anthropic-version": "2023-06-01"}


def lists(document, status=200):
    return lambda conn, request: conn.answer(json.dumps(document).encode(), status)


def several(gateway, upstream, **more):
    """A gateway in front of three providers of different formats, and one that fails."""
    ups = {"a": upstream(lists(OPENAI)), "g": upstream(lists(GOOGLE)),
           "c": upstream(lists(COHERE)), "bad": upstream(lists({"error": "no"}, 500))}
    providers = {"a": {"base_url": ups["a"].url},
                 "g": {"plugin": "google", "base_url": ups["g"].url + "beta"},
                 "c": {"plugin": "cohere", "base_url": ups["c"].url.removesuffix("/v1")},
                 "bad": {"base_url": ups["bad"].url}}
    config = more.pop("config", 'aliases { fast = "a/gpt-4o", ["a/mine"] = "g/gemini-2.5-pro" }')
    return gateway(providers=providers, config=config, **more), ups


def test_the_lists_of_all_providers_become_one(gateway, upstream):
    gate, ups = several(gateway, upstream)
    answer = ask(gate.port, "GET", "/v1/models")
    assert answer.status == 200 and answer.header("content-type") == "application/json"
    assert answer.header("x-headgate-missing") == "bad"
    models = {model["id"]: model for model in answer.json()["data"]}
    assert list(models) == ["a/mine", "fast", "a/gpt-4o", "g/gemini-2.5-pro",
                            "c/command-a-03-2025"]
    assert models["a/gpt-4o"]["created"] == 1715367049
    assert models["a/gpt-4o"]["owned_by"] == models["a/gpt-4o"]["provider"] == "a"
    assert models["a/gpt-4o"]["context_window"] == 128000
    assert "tools" in models["a/gpt-4o"]["capabilities"]
    assert "image" in models["a/gpt-4o"]["modalities"]["input"]
    assert models["g/gemini-2.5-pro"]["dialect"] == "gemini"
    assert models["g/gemini-2.5-pro"]["context_window"] == 7, "the provider's word is above ours"
    assert models["fast"]["alias_of"] == "a/gpt-4o"
    assert models["fast"]["context_window"] == 128000
    assert models["a/mine"]["alias_of"] == "g/gemini-2.5-pro", "an alias hides a model"
    assert ups["g"].requests[0].header("x-goog-api-key") == "sk-canary-upstream-key"
    assert ups["g"].requests[0].target == "/v1beta/models?pageSize=1000"
    assert ups["c"].requests[0].target == "/v1/models?page_size=1000"


def test_a_list_is_kept_and_a_failure_only_for_seconds(gateway, upstream):
    gate, ups = several(gateway, upstream)
    for _ in range(3):
        assert ask(gate.port, "GET", "/v1/models").status == 200
    assert {name: len(up.requests) for name, up in ups.items()} == {
        "a": 1, "g": 1, "c": 1, "bad": 1}
    gate.wait_line("provider 'bad' does not say which models it has")


def test_clients_read_the_list_in_their_own_form(gateway, upstream):
    gate, _ = several(gateway, upstream)
    anthropic = ask(gate.port, "GET", "/v1/models?limit=2", headers=ANTHROPIC_VERSION).json()
    assert anthropic["has_more"] is False
    assert (anthropic["first_id"], anthropic["last_id"]) == ("a/mine", "c/command-a-03-2025")
    model = anthropic["data"][2]
    assert model["type"] == "model" and model["id"] == model["display_name"] == "a/gpt-4o"
    assert model["created_at"].startswith("2024-05-10T") and model["max_tokens"] == 16384
    google = ask(gate.port, "GET", "/v1beta/models").json()["models"]
    assert google[3]["name"] == "models/g/gemini-2.5-pro"
    assert google[3]["displayName"] == "Gemini 2.5 Pro" and google[3]["inputTokenLimit"] == 7
    assert "generateContent" in google[3]["supportedGenerationMethods"]
    cohere = ask(gate.port, "GET", "/v1/models", headers={"X-Fern-SDK-Name": "cohere"}).json()
    assert cohere["models"][4]["name"] == "c/command-a-03-2025"
    assert cohere["models"][4]["endpoints"] == ["chat"]
    assert cohere["models"][4]["context_length"] == 256000
    assert ask(gate.port, "GET", "/v1/models?page_size=9").json().keys() == {"models"}


def test_one_model_is_found_by_its_names(gateway, upstream):
    gate, _ = several(gateway, upstream)
    for name, found in (("a/gpt-4o", "a/gpt-4o"), ("a%2Fgpt-4o", "a/gpt-4o"),
                        ("gpt-4o", "a/gpt-4o"), ("fast", "fast")):
        answer = ask(gate.port, "GET", "/v1/models/" + name)
        assert (answer.status, answer.json()["id"]) == (200, found)
    answer = ask(gate.port, "GET", "/v1beta/models/g/gemini-2.5-pro").json()
    assert answer["name"] == "models/g/gemini-2.5-pro"
    for path, headers in (("/v1/models/gemini-2.5-pro", {}), ("/v1/models/b/gpt-4o", {}),
                          ("/v1/models/no", ANTHROPIC_VERSION), ("/v1beta/models/no", {})):
        answer = ask(gate.port, "GET", path, headers=headers)
        assert answer.status == 404 and "there is no model" in json.dumps(answer.json())


def test_the_only_provider_answers_for_itself_in_its_own_form(gateway, upstream):
    odd = {"object": "list", "data": [{"id": "m-1", "strange": [1]}], "x": 2}
    up = upstream(lists(odd))
    gate = gateway(up)
    assert ask(gate.port, "GET", "/v1/models").json() == odd
    assert ask(gate.port, "GET", "/v1/models/m-1").json() == odd
    assert up.requests[-1].target == "/v1/models/m-1"
    other = ask(gate.port, "GET", "/v1/models", headers=ANTHROPIC_VERSION).json()
    assert [model["id"] for model in other["data"]] == ["m-1"]
    google = ask(gate.port, "GET", "/v1beta/models").json()["models"]
    assert [model["name"] for model in google] == ["models/m-1"]


def test_a_named_provider_is_asked_itself(gateway, upstream):
    gate, ups = several(gateway, upstream)
    answer = ask(gate.port, "GET", "/v1/models", headers={"x-headgate-provider": "a"})
    assert answer.json() == OPENAI and len(ups["g"].requests) == 0


def test_a_route_may_name_the_providers_of_its_list(gateway, upstream):
    route = """local s = require "headgate"
    return s.route { path = "/v1/models", handler = s.models { "c", "bad" } }"""
    gate, ups = several(gateway, upstream, routes={"a.lua": route})
    answer = ask(gate.port, "GET", "/v1/models")
    assert [model["id"] for model in answer.json()["data"]] == ["c/command-a-03-2025"]
    assert answer.header("x-headgate-missing") == "bad"
    assert len(ups["a"].requests) == 0
    wrong = gateway(providers={"a": ups["a"].url}, routes={"a.lua": route}, wait=False)
    wrong.may_fail = True
    wrong.wait_line("there is no provider 'c'")


def test_a_list_that_says_strange_things_hurts_nobody(gateway, upstream):
    strange = [{"object": "list", "data": "x"}, {"data": [1, None, {}, {"id": 7}, {"id": ""},
                                                         {"id": "a\nb"}, {"id": "x" * 9999},
                                                         {"id": "ok", "created": "soon",
                                                          "context_window": -5}]}, [], "no", 5]
    ups = [upstream(lists(document)) for document in strange]
    gate = gateway(providers={f"p{i}": {"base_url": up.url} for i, up in enumerate(ups)})
    answer = ask(gate.port, "GET", "/v1/models")
    assert [model["id"] for model in answer.json()["data"]] == ["p1/ok"]
    assert answer.json()["data"][0]["created"] == 0
    assert answer.header("x-headgate-missing") == "p0, p3, p4"


def test_a_client_that_leaves_while_providers_are_asked_leaves_nothing(gateway, upstream):
    release = threading.Event()

    def slow(conn, request):
        release.wait(20)
        conn.answer(json.dumps(OPENAI).encode())

    up = upstream(slow)
    gate = gateway(providers={"a": up.url, "b": up.url})
    with Connection(gate.port) as client:
        client.send(request_bytes("GET", "/v1/models"))
        wait_for(lambda: len(up.requests) == 2, "both to be asked")
    gate.wait_records(1)
    release.set()
    answer = ask(gate.port, "GET", "/v1/models")
    assert len(answer.json()["data"]) == 4 and len(up.requests) == 2
    head = ask(gate.port, "HEAD", "/v1/models")
    assert head.status == 200


# ---- counting tokens ---------------------------------------------------------------------------

TEXT = "How many tokens are in this question? " * 10
ASKS = {
    "anthropic": ("/v1/messages/count_tokens",
                  {"model": "m", "system": "Short.", "messages": [{"role": "user", "content": TEXT}]},
                  "input_tokens"),
    "gemini": ("/v1beta/models/m:countTokens",
               {"contents": [{"role": "user", "parts": [{"text": TEXT}]}]}, "totalTokens"),
    "wrapped": ("/v1beta/models/m:countTokens",
                {"generateContentRequest": {"model": "models/m", "contents": [
                    {"role": "user", "parts": [{"text": TEXT}]}]}}, "totalTokens"),
    "responses": ("/v1/responses/input_tokens", {"model": "m", "input": TEXT}, "input_tokens"),
    "converse": ("/model/m/count-tokens", {"input": {"converse": {"messages": [
        {"role": "user", "content": [{"text": TEXT}]}]}}}, "inputTokens"),
}
COUNTERS = {
    "anthropic": ({"plugin": "anthropic"}, "/v1", "/v1/messages/count_tokens",
                  {"input_tokens": 17}, ("messages", "model")),
    "google": ({"plugin": "google"}, "/v1beta", "/v1beta/models/m:countTokens",
               {"totalTokens": 17}, ("generateContentRequest",)),
    "openai": ({"responses": True}, "/v1", "/v1/responses/input_tokens",
               {"object": "response.input_tokens", "input_tokens": 17}, ("input", "model")),
}


def counted(gate, name, **headers):
    path, body, member = ASKS[name]
    answer = ask(gate.port, "POST", path, json.dumps(body).encode(),
                 {"Content-Type": "application/json", **headers})
    return answer, answer.json().get(member) if answer.status == 200 else None


@pytest.fixture(params=COUNTERS)
def counter(request):
    return COUNTERS[request.param]


def before(counter, up):
    settings, base = counter[:2]
    return {"c": {**settings, "base_url": up.url.removesuffix("/v1") + base}}


@pytest.mark.parametrize("client", ASKS)
def test_a_provider_counts_for_clients_of_every_format(gateway, upstream, counter, client):
    up = upstream(lists(counter[3]))
    answer, tokens = counted(gateway(providers=before(counter, up)), client)
    assert tokens == 17 and answer.header("x-headgate-estimate") is None
    [request] = up.requests
    assert request.target == counter[2]
    sent = request.json()
    native = request.target == ASKS[client][0]
    assert TEXT in json.dumps(sent)
    assert set(counter[4]) <= sent.keys() or (native and sent == ASKS[client][1])
    assert not {"max_tokens", "max_output_tokens", "stream", "store"} & sent.keys()


@pytest.mark.parametrize("client", ASKS)
def test_who_does_not_count_is_estimated_for(gateway, upstream, client):
    up = upstream()
    for settings in ({}, {"plugin": "compatible", "vendor": "groq"}, {"plugin": "cohere"}):
        gate = gateway(providers={"c": {**settings, "base_url": up.url}})
        answer, tokens = counted(gate, client)
        assert answer.status == 200 and answer.header("x-headgate-estimate") == "1"
        assert answer.header("content-type") == "application/json"
        assert len(TEXT) / 6 < tokens < len(TEXT) / 2
        assert gate.wait_records()[0]["kind"] == "count"
    assert not up.requests


def test_an_endpoint_that_is_not_there_is_estimated_for_and_a_model_is_not(gateway, upstream,
                                                                           counter):
    answers = [(404, b"404 page not found"), (405, b""), (501, b"{}"),
               (404, b'{"error":{"message":"there is no model m"}}'), (400, b"{}"), (500, b"{}")]
    up = upstream(lambda conn, request: conn.answer(answers[len(up.requests) - 1][1],
                                                    answers[len(up.requests) - 1][0]))
    gate = gateway(providers=before(counter, up))
    for status, _ in answers[:3]:
        answer, tokens = counted(gate, "anthropic")
        assert answer.status == 200 and tokens > 0, status
        assert answer.header("x-headgate-estimate") == "1"
    for status, _ in answers[3:]:
        answer, tokens = counted(gate, "anthropic")
        assert answer.status == status and answer.header("x-headgate-estimate") is None


def test_an_answer_without_a_number_is_none(gateway, upstream):
    for body in (b"{}", b"no", b'{"totalTokens":"many"}', b'{"totalTokens":-4}', b"[]"):
        up = upstream(lambda conn, request, body=body: conn.answer(body))
        gate = gateway(providers=before(COUNTERS["google"], up))
        answer, _ = counted(gate, "anthropic")
        assert answer.status == 502 and answer.json()["type"] == "error"


def test_a_request_to_count_must_be_one(gateway, upstream):
    gate = gateway(upstream())
    for body in (b"", b"[]", b"{"):
        answer = ask(gate.port, "POST", "/v1/messages/count_tokens", body,
                     {"Content-Type": "application/json"})
        assert answer.status == 400
    answer = ask(gate.port, "POST", "/v1/messages/count_tokens", b"{}",
                 {"Content-Type": "application/json"})
    assert answer.status == 200 and answer.json() == {"input_tokens": 1}


def test_an_alias_counts_as_its_model(gateway, upstream):
    up = upstream(lists({"input_tokens": 17}))
    gate = gateway(providers=before(COUNTERS["anthropic"], up), config='aliases { m = "c/other" }')
    assert counted(gate, "anthropic")[1] == 17
    assert up.requests[0].json()["model"] == "other"


def test_a_misspelt_model_is_said_at_the_start_and_stops_nothing(gateway, upstream):
    up = upstream(lambda conn, request: conn.answer(chat_json()))
    route = 'local s = require "headgate" return s.route { path = "/...", handler = %s }'
    gate = gateway(providers={"openai": up.url}, config='aliases { x = "openai/gpt-4o-mni" }',
                   routes={"a.lua": route % 's.target "openai/gpt4o"'})
    gate.wait_line("model 'openai/gpt4o' is not known; did you mean 'gpt-4o'")
    gate.wait_line("model 'openai/gpt-4o-mni' is not known; did you mean 'gpt-4o-mini'")
    assert chat(gate.port).status == 200
