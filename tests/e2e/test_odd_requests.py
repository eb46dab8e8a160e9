"""What clients ask in old, foreign or unusual ways, and what a provider of another format is sent."""

import json

import pytest

from support.client import ask
from support.wires import wires
from test_translation import HELLO, Place

WIRES = {wire.name: wire for wire in wires()}
OPENAI, RESPONSES = WIRES["openai_chat"], WIRES["openai_responses"]
OTHERS = [wire for wire in WIRES.values() if wire is not OPENAI]
others = pytest.mark.parametrize("provider", OTHERS, ids=[wire.name for wire in OTHERS])


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    one = Place(tmp_path_factory.mktemp("place"))
    yield one
    one.stop()


def sent(place, client, provider, change):
    place.answers(provider.whole(HELLO))
    answer = place.ask(client, provider, change=change)
    assert answer.status == 200, answer.body
    return place.sent()


@others
def test_the_role_of_functions_is_that_of_tools(place, provider):
    # Pitfall 86: the deprecated form, whose calls have no ids.
    def change(body):
        body["functions"] = [{"name": "look", "parameters": {"type": "object"}}]
        body["messages"] += [
            {"role": "assistant", "content": None,
             "function_call": {"name": "look", "arguments": '{"q":1}'}},
            {"role": "function", "name": "look", "content": '{"found":"rain"}'}]

    document = json.dumps(sent(place, OPENAI, provider, change))
    assert '"role": "function"' not in document and "rain" in document
    if provider.name == "gemini":
        contents = place.sent()["contents"]
        assert [turn["role"] for turn in contents] == ["user", "model", "user"]
        assert contents[1]["parts"][0]["functionCall"]["name"] == "look"
        answer = contents[2]["parts"][0]["functionResponse"]
        assert answer["name"] == "look" and "rain" in json.dumps(answer["response"])


@pytest.mark.parametrize("provider", [wire for wire in WIRES.values() if wire is not RESPONSES],
                         ids=[name for name in WIRES if name != "openai_responses"])
def test_hidden_reasoning_is_not_told_to_others(place, provider):
    # Pitfall 137: what its provider did not show is neither text nor thought for another one.
    def change(body):
        body["input"] = [
            {"role": "user", "content": "hi"},
            {"type": "reasoning", "id": "rs_1", "summary": [], "encrypted_content": "c2VjcmV0"},
            {"type": "message", "role": "assistant", "content": [
                {"type": "output_text", "text": "hello", "annotations": []}]},
            {"role": "user", "content": "and"}]

    document = json.dumps(sent(place, RESPONSES, provider, change))
    assert "hello" in document
    for word in ("c2VjcmV0", "rs_1", "thinking", "reasoning", "thought"):
        assert word not in document, document


def test_reasoning_goes_back_to_those_who_want_it(gateway, upstream):
    # Pitfall 133: in a loop of tools, whatever format the client speaks.
    up = upstream(lambda conn, request: conn.answer(OPENAI.whole(HELLO)))
    gate = gateway(providers={vendor: {"plugin": "compatible", "vendor": vendor,
                                       "base_url": up.url} for vendor in ("deepseek", "moonshot")})
    body = {"max_tokens": 100, "tools": [{"name": "look", "input_schema": {"type": "object"}}],
            "messages": [
                {"role": "user", "content": "hi"},
                {"role": "assistant", "content": [
                    {"type": "thinking", "thinking": "I ponder", "signature": "s"},
                    {"type": "tool_use", "id": "a", "name": "look", "input": {}}]},
                {"role": "user", "content": [
                    {"type": "tool_result", "tool_use_id": "a", "content": "rain"}]}]}
    for vendor in ("deepseek", "moonshot"):
        answer = ask(gate.port, "POST", "/v1/messages", {"model": f"{vendor}/m", **body})
        assert answer.status == 200, answer.body
        said = up.requests[-1].json()["messages"]
        assert said[1]["reasoning_content"] == "I ponder", said


@pytest.mark.parametrize("value", [[1, 2, 3], [[1, 2], [3]], ["a", "b"], "a"])
def test_tokens_are_an_input_of_embeddings(place, value):
    # Pitfall 116: they pass to who knows them, and who does not is not sent anything else.
    answer = {"object": "list", "model": "m", "data": [
        {"object": "embedding", "index": 0, "embedding": [1]}],
        "usage": {"prompt_tokens": 3, "total_tokens": 3}}
    place.answers(answer)
    got = ask(place.gate.port, "POST", "/v1/embeddings", {"model": "openai_chat/m", "input": value})
    assert got.status == 200 and got.json() == answer, got.body
    assert place.sent()["input"] == value
    if isinstance(value, list) and not isinstance(value[0], str):
        before = len(place.upstream.requests)
        for name in ("gemini", "cohere"):
            got = ask(place.gate.port, "POST", "/v1/embeddings",
                      {"model": f"{name}/m", "input": value})
            assert got.status == 400 and "input" in got.json()["error"]["message"], got.body
        assert len(place.upstream.requests) == before


@pytest.mark.parametrize("client", [OPENAI, WIRES["anthropic"]], ids=["openai_chat", "anthropic"])
def test_calls_that_are_wrapped_in_one_are_told_apart(place, client):
    # Pitfall 78.
    uses = {"tool_uses": [{"recipient_name": "functions.look", "parameters": {"q": 1}},
                          {"recipient_name": "functions.go", "parameters": {}}]}
    document = RESPONSES.whole(HELLO)
    document["output"] = [{"type": "function_call", "id": "fc_1", "call_id": "call_1",
                           "name": "multi_tool_use.parallel", "arguments": json.dumps(uses),
                           "status": "completed"}]
    place.answers(document)
    said = client.read(place.ask(client, RESPONSES).json())
    assert said.calls == [("look", {"q": 1}), ("go", {})] and said.finish == "tools"


@pytest.mark.parametrize("client, place_of", [
    ("anthropic", lambda body, user: body.update(metadata={"user_id": user}))])
def test_a_long_name_of_a_user_is_hashed(place, client, place_of):
    def user(name):
        return sent(place, WIRES[client], OPENAI, lambda body: place_of(body, name))["user"]

    assert user("u" * 64) == "u" * 64
    long = user("u" * 65)
    assert len(long) <= 64 and "uuuu" not in long
    assert user("u" * 65) == long != user("u" * 66)
