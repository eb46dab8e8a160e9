"""`headgate simulate` in all six formats: answers, streams, tools, errors, and requests that the
public descriptions of the APIs do not allow."""

import json

import pytest

from support.client import ask
from support.places import SHARED
from support.shared import Tally, cassettes
from support.wires import aws_frames, wires

WIRES = {wire.name: wire for wire in wires()}
FAULTS = {  # status by name, for OpenAI's two; others where they differ
    "invalid": 400, "context": 400, "filter": 400, "auth": 401, "permission": 403, "missing": 404,
    "too-large": 413, "rate": 429, "quota": 429, "server": 500, "timeout": 408, "overloaded": 503,
}
OWN = {
    "anthropic": {"quota": 400, "timeout": 504, "overloaded": 529},
    "gemini": {"filter": 200, "auth": 400, "timeout": 504},
    "converse": {"filter": 200, "auth": 403, "quota": 400},
    "cohere": {"quota": 402, "timeout": 504},
}
SCHEMA = {"type": "object", "properties": {"city": {"type": "string", "enum": ["Oslo"]}},
          "required": ["city"]}


@pytest.fixture(params=WIRES)
def wire(request):
    return WIRES[request.param]


@pytest.fixture
def sim(simulator):
    return simulator()


def post(sim, wire, message="hi", stream=False, headers=(), **members):
    path, document = wire.asks(message, stream, "m")
    return ask(sim.port, "POST", path, document | members, headers)


def with_tool(name):
    """Members that offer the tool "weather" and say that it must be called."""
    function = {"name": "weather", "description": "d", "parameters": SCHEMA}
    return {
        "openai_chat": {"tools": [{"type": "function", "function": function}],
                        "tool_choice": "required"},
        "openai_responses": {"tools": [{"type": "function", "strict": False, **function}],
                             "tool_choice": "required"},
        "anthropic": {"tools": [{"name": "weather", "input_schema": SCHEMA}],
                      "tool_choice": {"type": "any"}},
        "gemini": {"tools": [{"functionDeclarations": [function]}],
                   "toolConfig": {"functionCallingConfig": {"mode": "ANY"}}},
        "converse": {"toolConfig": {"toolChoice": {"any": {}}, "tools": [
            {"toolSpec": {"name": "weather", "inputSchema": {"json": SCHEMA}}}]}},
        "cohere": {"tools": [{"type": "function", "function": function}],
                   "tool_choice": "REQUIRED"},
    }[name]


def with_format(name):
    """Members that ask for JSON by a schema."""
    named = {"name": "place", "schema": SCHEMA, "strict": True}
    return {
        "openai_chat": {"response_format": {"type": "json_schema", "json_schema": named}},
        "openai_responses": {"text": {"format": {"type": "json_schema", **named}}},
        "anthropic": {"output_config": {"format": {"type": "json_schema", "schema": SCHEMA}}},
        "gemini": {"generationConfig": {"responseMimeType": "application/json",
                                        "responseJsonSchema": SCHEMA}},
        "converse": {"outputConfig": {"textFormat": {"type": "json_schema", "structure": {
            "jsonSchema": {"name": "place", "schema": json.dumps(SCHEMA)}}}}},
        "cohere": {"response_format": {"type": "json_object", "json_schema": SCHEMA}},
    }[name]


# ---- answers


def test_a_stream_says_what_the_whole_answer_says(sim, wire):
    told = {"x-simulate-text": "one two three"}
    whole = post(sim, wire, headers=told)
    said = wire.read(whole.json())
    assert (whole.status, said.text, said.finish) == (200, "one two three", "stop")
    assert said.usage[0] > 0 and said.usage[1] == 3
    stream = post(sim, wire, stream=True, headers=told)
    assert stream.header("content-type").startswith(wire.stream_type)
    streamed = wire.read_stream(stream.body)
    assert (streamed.text, streamed.finish, streamed.usage) == (said.text, "stop", said.usage)
    assert streamed.done and not streamed.error


def test_the_same_request_gets_the_same_bytes_from_every_run(simulator, wire):
    for stream in (False, True):
        answers = [post(simulator(), wire, stream=stream, **with_tool(wire.name)).body
                   for _ in range(2)]
        assert answers[0] == answers[1]


def test_a_tool_that_must_be_called_is_called_with_what_its_schema_wants(sim, wire):
    said = wire.read(post(sim, wire, **with_tool(wire.name)).json())
    assert said.calls == [("weather", {"city": "Oslo"})]
    assert said.finish == "tools" or wire.name == "gemini"
    streamed = wire.read_stream(post(sim, wire, stream=True, **with_tool(wire.name)).body)
    assert streamed.calls == said.calls


def test_a_schema_for_the_answer_is_kept_to(sim, wire):
    said = wire.read(post(sim, wire, **with_format(wire.name)).json())
    assert json.loads(said.text) == {"city": "Oslo"}


def test_a_limit_of_tokens_cuts_the_answer(sim, wire):
    said = wire.read(post(sim, wire, headers={"x-simulate-finish": "length"}).json())
    assert said.finish == "length"


def test_reasoning_is_given_where_it_is_asked_for(sim):
    thinks = {"thinking": {"type": "enabled", "budget_tokens": 1024}, "max_tokens": 2000}
    blocks = post(sim, WIRES["anthropic"], **thinks).json()["content"]
    assert [block["type"] for block in blocks] == ["thinking", "text"]
    assert blocks[0]["thinking"] and blocks[0]["signature"]
    output = post(sim, WIRES["openai_responses"],
                  reasoning={"effort": "low", "summary": "auto"}).json()["output"]
    assert [item["type"] for item in output] == ["reasoning", "message"]


# ---- faults


@pytest.mark.parametrize("fault", FAULTS)
def test_every_error_has_its_providers_status_and_shape(sim, wire, fault):
    answer = post(sim, wire, headers={"x-simulate-error": fault})
    assert answer.status == OWN.get(wire.name, {}).get(fault, FAULTS[fault])
    if answer.status >= 400:
        assert wire.read_error(answer.json())
    if wire.name == "converse" and answer.status >= 400:
        assert answer.header("x-amzn-errortype").endswith("Exception")
    if wire.name == "anthropic":
        assert answer.json()["request_id"] == answer.header("request-id")


def test_a_status_alone_gets_the_words_of_the_provider(sim, wire):
    answer = post(sim, wire, headers={"x-simulate-status": "429", "x-simulate-retry-after": "7"})
    assert (answer.status, answer.header("retry-after")) == (429, "7")
    assert wire.read_error(answer.json())
    if wire.name == "gemini":
        assert answer.json()["error"]["details"][0]["retryDelay"] == "7s"


def test_an_error_hides_in_a_200(sim, wire):
    told = {"x-simulate-error-in-200": "", "x-simulate-error": "overloaded",
            "x-simulate-error-message": "oops"}
    whole = post(sim, wire, headers=told)
    assert (whole.status, wire.read_error(whole.json())) == (200, "oops")
    stream = post(sim, wire, stream=True, headers=told)
    assert (stream.status, wire.read_stream(stream.body).error) == (200, "oops")


def test_an_error_comes_in_the_middle_of_a_stream_and_ends_it(sim, wire):
    told = {"x-simulate-error-event-at": "4", "x-simulate-error": "rate",
            "x-simulate-error-message": "oops", "x-simulate-text": "one two three four five six"}
    answer = post(sim, wire, stream=True, headers=told)
    said = wire.read_stream(answer.body)
    assert said.error == "oops" and not said.done
    assert "six" not in said.text
    if wire.name == "converse":
        assert [kind for kind, *_ in aws_frames(answer.body)] == ["event"] * 4 + ["exception"]
        assert list(aws_frames(answer.body))[-1][1] == "throttlingException"


def test_a_key_is_taken_where_each_format_puts_it(simulator, wire):
    sim = simulator("--key", "sk-canary")
    refused = post(sim, wire)
    assert refused.status == OWN.get(wire.name, {}).get("auth", 401)
    assert wire.read_error(refused.json())
    field = {"anthropic": "x-api-key", "gemini": "x-goog-api-key"}.get(wire.name)
    key = {field: "sk-canary"} if field else {"authorization": "Bearer sk-canary"}
    assert post(sim, wire, headers=key).status == 200
    signed = {"authorization": "AWS4-HMAC-SHA256 Credential=sk-canary/20261124/x, Signature=00"}
    assert post(sim, wire, headers=signed).status == 200
    assert "sk-canary" not in sim.record.read_text()


def test_what_cannot_be_read_is_refused_in_the_format_it_came_in(sim, wire):
    path, document = wire.asks("hi", False, "m")
    answer = ask(sim.port, "POST", path, b"{nonsense")
    assert answer.status == 400 and wire.read_error(answer.json())
    wrong = {"contents": 7, "messages": 7, "input": 7}
    broken = {name: wrong.get(name, value) for name, value in document.items()}
    answer = ask(sim.port, "POST", path, broken)
    assert answer.status == 400
    assert any(name in wire.read_error(answer.json()) for name in wrong)


def test_a_script_tells_formats_apart(simulator, tmp_path):
    script = tmp_path / "drill.json"
    script.write_text('{"match": {"dialect": "anthropic"}, "answer": {"error": "overloaded"}}')
    sim = simulator("--script", script)
    statuses = {name: post(sim, wire).status for name, wire in WIRES.items()}
    assert statuses == {name: 529 if name == "anthropic" else 200 for name in WIRES}


# ---- the other endpoints


def test_google_streams_one_array_unless_it_is_asked_for_events(sim):
    path, document = WIRES["gemini"].asks("hi", True, "m")
    array = ask(sim.port, "POST", path.partition("?")[0], document)
    assert array.header("content-type").startswith("application/json")
    events = ask(sim.port, "POST", path, document)
    assert array.json() == [json.loads(data) for _, data in events.events()]
    failed = ask(sim.port, "POST", path.partition("?")[0], document, {"x-simulate-status": "503"})
    assert failed.json()[0]["error"]["status"] == "UNAVAILABLE"


def test_tokens_are_counted_in_each_form(sim):
    asked = {
        "/v1/messages/count_tokens": ("input_tokens", WIRES["anthropic"].asks()[1]),
        "/v1/responses/input_tokens": ("input_tokens", WIRES["openai_responses"].asks()[1]),
        "/v1beta/models/m:countTokens": ("totalTokens", WIRES["gemini"].asks()[1]),
        "/model/m/count-tokens": ("inputTokens",
                                  {"input": {"converse": WIRES["converse"].asks()[1]}}),
    }
    for path, (member, document) in asked.items():
        answer = ask(sim.port, "POST", path, document)
        assert (answer.status, answer.json()[member]) == (200, 7), path


def test_embeddings_are_the_same_in_every_form(sim):
    def vectors(path, document, *places):
        value = ask(sim.port, "POST", path, document).json()
        for place in places:
            value = value[place]
        return value

    want = vectors("/v1/embeddings", {"model": "e", "input": "a gate", "dimensions": 4},
                   "data", 0, "embedding")
    part = {"content": {"parts": [{"text": "a gate"}]}, "outputDimensionality": 4}
    assert vectors("/v1beta/models/e:embedContent", part, "embedding", "values") == want
    assert vectors("/v1beta/models/e:batchEmbedContents", {"requests": [part, part]},
                   "embeddings", 1, "values") == want
    assert vectors("/v2/embed", {"model": "e", "texts": ["a gate"], "output_dimension": 4,
                                 "input_type": "search_query"}, "embeddings", "float", 0) == want


def test_documents_are_ranked_by_common_words(sim):
    document = {"model": "r", "query": "the open gate", "top_n": 2,
                "documents": ["seven herons", "the gate", "the open gate"]}
    for path in ("/v2/rerank", "/v1/rerank"):
        results = ask(sim.port, "POST", path, document).json()["results"]
        assert [result["index"] for result in results] == [2, 1]
        assert 1 >= results[0]["relevance_score"] > results[1]["relevance_score"] > 0


def test_models_are_listed_as_each_client_knows_them(sim):
    google = ask(sim.port, "GET", "/v1beta/models").json()["models"]
    assert all(model["name"].startswith("models/") for model in google)
    one = ask(sim.port, "GET", f"/v1beta/{google[0]['name']}").json()
    assert one == google[0]
    version = {"anthropic-version": "2023-06-01"}
    anthropic = ask(sim.port, "GET", "/v1/models", headers=version).json()
    assert anthropic["first_id"] == anthropic["data"][0]["id"]
    assert ask(sim.port, "GET", "/v1/models/none", headers=version).json()["type"] == "error"
    assert ask(sim.port, "GET", "/foundation-models").json()["modelSummaries"]


def test_pings_stand_between_the_events_of_anthropic(sim):
    events = post(sim, WIRES["anthropic"], stream=True, headers={"x-simulate-comments": 2}).events()
    assert [name for name, _ in events[:3]] == ["message_start", "ping", "ping"]


def test_an_end_mark_can_be_left_out(sim):
    for name, mark in (("openai_chat", b"[DONE]"), ("anthropic", b"message_stop")):
        assert mark in post(sim, WIRES[name], stream=True).body
        assert mark not in post(sim, WIRES[name], stream=True,
                                headers={"x-simulate-no-done": ""}).body


# ---- public descriptions


@pytest.fixture
def described(simulator):
    if not (SHARED / "specs").is_dir():
        pytest.skip(f"no descriptions: {SHARED / 'specs'} is missing")
    return simulator("--spec", SHARED / "specs")


BROKEN = [
    ("openai_chat", {"temperature": 3}, "temperature: must be at most 2"),
    ("openai_chat", {"messages": [{"role": "person", "content": "hi"}]}, "messages[0].role: must"),
    ("openai_chat", {"messages": [{"role": "user"}]}, "messages[0].content: is required"),
    ("openai_chat", {"messages": [{"role": "user", "content": [{"type": "text", "text": 7}]}]},
     "messages[0].content[0].text: must be a string"),
    ("openai_responses", {"max_output_tokens": "many"}, "max_output_tokens: must be an integer"),
    ("anthropic", {"max_tokens": None}, "max_tokens: must be an integer"),
    ("anthropic", {"n": 2}, "n: is not known here"),
    ("anthropic", {"messages": [{"role": "user", "content": [{"type": "text"}]}]},
     "messages[0].content[0].text: is required"),
    ("anthropic", {"tool_choice": {"type": "sometimes"}}, "tool_choice.type: must be"),
    ("converse", {"messages": [{"role": "person", "content": [{"text": "hi"}]}]},
     'messages[0].role: must be "user" or "assistant"'),
    ("converse", {"messages": [{"role": "user", "content": [{"text": "a", "image": {}}]}]},
     "messages[0].content[0]"),
    ("converse", {"inferenceConfig": {"temperature": 2}}, "inferenceConfig.temperature: must be"),
]


@pytest.mark.parametrize("name, members, reason", BROKEN)
def test_what_a_description_forbids_is_refused_with_its_place(described, name, members, reason):
    wire = WIRES[name]
    answer = post(described, wire, **members)
    assert answer.status == 400
    assert reason in wire.read_error(answer.json())
    assert post(described, wire).status == 200


def test_what_only_the_beta_knows_is_allowed_to_those_who_ask_for_it(described):
    asks = {"mcp_servers": [{"type": "url", "name": "x", "url": "https://x.example"}]}
    assert post(described, WIRES["anthropic"], **asks).status == 400
    beta = {"anthropic-beta": "mcp-client-2025-11-20"}
    assert post(described, WIRES["anthropic"], headers=beta, **asks).status == 200


# Newer than the descriptions, or never sent like this.
UNLIKE = {
    "anthropic/003-messages-messages-post-a0f05e2e",
    "anthropic/038-messages-anthropic-advisor-tool-stream",
    "bedrock/009-converse-multimodalrequest-bedrock",
    "bedrock/014-converse-toolcallrequest-followup-bedrock",
    "openai/087-responses-background-mode-streaming-continuation-vcr",
}


@pytest.mark.seconds(120)
def test_recorded_requests_are_as_the_descriptions_want_them(described):
    tally = Tally("requests that servers have answered")
    for cassette in cassettes("chat.completions", "messages", "responses", "converse",
                              "converse-stream", "embeddings", "messages.count_tokens"):
        request = cassette["request"]
        if not cassette["id"].startswith(("openai/", "anthropic/", "bedrock/")):
            continue
        if not request or not request.get("body") or cassette["response"]["status"] >= 400:
            continue
        path = "/" + request["url"].split("://")[1].partition("/")[2].split("#")[0]
        answer = ask(described.port, "POST", path, request["body"].encode())
        is_fine = answer.status == 200
        tally.check(cassette["id"], is_fine != (cassette["id"] in UNLIKE), answer.body[:300])
    tally.done(90)


@pytest.mark.parametrize("plugin, base", [("openai", "/v1"), ("anthropic", "/v1"),
                                          ("bedrock", "")])
def test_what_the_gateway_writes_is_as_the_descriptions_want_it(described, gateway, wire, plugin,
                                                                base):
    settings = {"plugin": plugin, "base_url": f"http://127.0.0.1:{described.port}{base}"}
    if plugin == "bedrock":
        settings |= {"region": "us-east-1"}
    gate = gateway(providers={"target": settings})
    for members in (with_tool(wire.name), with_format(wire.name)):
        path, document = wire.asks("the weather, please", False, "target/m")
        answer = ask(gate.port, "POST", path, document | members)
        assert answer.status == 200, answer.body
        said = wire.read(answer.json())
        assert said.calls == [("weather", {"city": "Oslo"})] or json.loads(said.text)
    path, document = wire.asks("hi", True, "target/m")
    streamed = wire.read_stream(ask(gate.port, "POST", path, document).body)
    assert streamed.text and streamed.done and not streamed.error
