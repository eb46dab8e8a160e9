"""Mistral: what it gets from clients of several formats, and what is made of its answers."""

import json
import re

import pytest

from support.client import ask, chat
from support.upstream import DONE, chat_json, sse

CALL = {"id": "call_abcdefghijkl", "type": "function",
        "function": {"name": "f", "arguments": "{\"a\":1}"}}
TOOL = {"type": "function", "function": {"name": "f", "parameters": {"type": "object"}}}
HISTORY = [{"role": "user", "content": "Hi"},
           {"role": "assistant", "content": None, "reasoning_content": "hm", "tool_calls": [CALL]},
           {"role": "tool", "tool_call_id": CALL["id"], "content": "ok"}]


@pytest.fixture
def start(gateway, upstream):
    def make(handler):
        up = upstream(handler)
        return up, gateway(providers={"mistral": {"plugin": "mistral", "base_url": up.url}})
    return make


def answers(conn, request):
    conn.answer(chat_json("Hi"))


def post(gate, body):
    return ask(gate.port, "POST", "/v1/chat/completions", {"model": "mistral-large", **body})


def test_a_request_holds_nothing_that_mistral_refuses(start):
    up, gate = start(answers)
    answer = post(gate, {
        "messages": [{"role": "developer", "content": "be brief"}, {"role": "user", "content": "x"}],
        "seed": 0, "max_completion_tokens": 9, "temperature": 1.9, "logit_bias": {}, "user": "u",
        "logprobs": True, "top_logprobs": 2, "store": True, "service_tier": "auto",
        "safe_prompt": True, "top_p": 0, "n": 1})
    assert answer.status == 200
    [request] = up.requests
    # Pitfalls 99, 102, 104: zeros pass, the limit has its name, the temperature is clamped.
    assert request.json() == {
        "model": "mistral-large", "random_seed": 0, "max_tokens": 9, "temperature": 1.5, "top_p": 0,
        "n": 1, "safe_prompt": True,
        "messages": [{"role": "system", "content": "be brief"}, {"role": "user", "content": "x"}]}
    assert request.header("authorization") == "Bearer sk-canary-upstream-key"


def test_a_client_may_insist_that_nothing_is_lost(start):
    up, gate = start(answers)
    answer = chat(gate.port, model="m", store=True, headers={"x-headgate-strict": "true"})
    assert answer.status == 400 and "does not take store" in answer.json()["error"]["message"]
    assert not up.requests


def test_ids_of_calls_have_nine_characters(start):
    """Pitfall 93."""
    up, gate = start(answers)
    assert post(gate, {"messages": HISTORY, "tools": [TOOL], "tool_choice": "required"}).status == 200
    sent = up.requests[0].json()
    made = sent["messages"][1]["tool_calls"][0]["id"]
    assert re.fullmatch("[a-zA-Z0-9]{9}", made) and sent["messages"][2]["tool_call_id"] == made
    assert sent["tool_choice"] == "any" and sent["messages"][1]["content"] == ""
    assert "reasoning_content" not in sent["messages"][1]


def test_reasoning_goes_back_to_those_that_think(start):
    """Pitfall 133."""
    up, gate = start(answers)
    post(gate, {"model": "magistral-medium-latest", "messages": HISTORY, "tools": [TOOL]})
    assert up.requests[0].json()["messages"][1]["content"] == [
        {"type": "thinking", "thinking": [{"type": "text", "text": "hm"}]}]


def test_an_answer_is_gone_on_with(start):
    up, gate = start(answers)
    post(gate, {"messages": [{"role": "user", "content": "x"},
                             {"role": "assistant", "content": "It is"}]})
    assert up.requests[0].json()["messages"][1] == {"role": "assistant", "content": "It is",
                                                    "prefix": True}


def test_a_client_of_anthropic_is_served(start):
    up, gate = start(answers)
    answer = ask(gate.port, "POST", "/v1/messages", {
        "model": "mistral-large", "max_tokens": 9, "tool_choice": {"type": "any"}, "tools": [
            {"name": "f", "input_schema": {"type": "object"}}],
        "metadata": {"user_id": "u"},
        "messages": [{"role": "user", "content": [{"type": "text", "text": "x"}, {
            "type": "document", "title": "a.pdf", "source": {
                "type": "base64", "media_type": "application/pdf", "data": "QQ=="}}]}]})
    assert answer.json()["content"] == [{"type": "text", "text": "Hi"}]
    sent = up.requests[0].json()
    assert sent["tool_choice"] == "any" and "user" not in sent and "stream_options" not in sent
    part = sent["messages"][0]["content"][1]
    assert part["type"] == "document_url"
    assert part["document_url"] == "data:application/pdf;base64,QQ=="


def test_a_stream_is_put_in_order(start):
    """Pitfalls 21 and 140: calls that all say index 0, usage on the last chunk; and content in
    parts."""
    def streams(conn, request):
        assert "stream_options" not in request.json()
        chunk = {"id": "1", "object": "chat.completion.chunk", "created": 1, "model": "m"}

        def choice(delta, finish=None):
            return {**chunk, "choices": [{"index": 0, "delta": delta, "finish_reason": finish}]}

        def call(name, ident):
            return {"tool_calls": [{"index": 0, "id": ident, "function": {
                "name": name, "arguments": {"a": 1}}}]}

        conn.stream([
            sse(choice({"role": "assistant", "content": [
                {"type": "thinking", "thinking": [{"type": "text", "text": "hm"}]}]})),
            sse(choice({"content": [{"type": "text", "text": "So"}]})),
            sse(choice(call("f", "abcdefghi"))), sse(choice(call("g", "jklmnopqr"))),
            sse({**choice({"content": ""}, "tool_calls"), "usage": {
                "prompt_tokens": 11, "completion_tokens": 4, "total_tokens": 15}}), DONE])

    _, gate = start(streams)
    answer = chat(gate.port, model="magistral", stream=True)
    deltas = [json.loads(data)["choices"][0]["delta"] for _, data in answer.events()
              if data != "[DONE]" and json.loads(data)["choices"]]
    assert "".join(d.get("content") or "" for d in deltas) == "So"
    assert "".join(d.get("reasoning_content") or "" for d in deltas) == "hm"
    calls = [call for d in deltas for call in d.get("tool_calls") or () if call.get("id")]
    assert [call["index"] for call in calls] == [0, 1]
    assert [call["id"] for call in calls] == ["abcdefghi", "jklmnopqr"]
    record = gate.wait_records(1)[0]
    assert (record["usage"]["input"], record["usage"]["output"]) == (11, 4)


def test_a_whole_answer_in_parts_is_one_text(start):
    def whole(conn, request):
        answer = chat_json("")
        answer["choices"][0]["message"]["content"] = [
            {"type": "thinking", "thinking": [{"type": "text", "text": "hm"}]},
            {"type": "text", "text": "So"}]
        answer["choices"][0]["finish_reason"] = "model_length"
        conn.answer(answer)

    _, gate = start(whole)
    choice = chat(gate.port, model="magistral").json()["choices"][0]
    assert choice["message"]["content"] == "So" and choice["finish_reason"] == "length"
    assert choice["message"]["reasoning_content"] == "hm"


def test_embeddings_have_a_size(start):
    up, gate = start(lambda conn, request: conn.answer(
        {"object": "list", "model": "mistral-embed", "data": [
            {"object": "embedding", "index": 0, "embedding": [0.5]}],
         "usage": {"prompt_tokens": 2, "total_tokens": 2}}))
    answer = ask(gate.port, "POST", "/v1/embeddings", {
        "model": "mistral-embed", "input": "a", "dimensions": 1, "user": "u"})
    assert answer.json()["data"][0]["embedding"] == [0.5]
    assert up.requests[0].json() == {"model": "mistral-embed", "input": "a", "output_dimension": 1}


def test_other_paths_pass(start):
    body = b'{"model":  "mistral-ocr", "document": {"type":"document_url"}}'
    up, gate = start(lambda conn, request: conn.answer({"pages": []}))
    for path in ("/v1/ocr", "/v1/fim/completions"):
        answer = ask(gate.port, "POST", path, body, {"Content-Type": "application/json"})
        assert answer.json() == {"pages": []}
        assert up.requests[-1].target == path and up.requests[-1].body == body
    answer = ask(gate.port, "POST", "/v1/completions", {"model": "m", "prompt": "x"})
    assert answer.status == 400


@pytest.mark.parametrize("status, body, want, says", [
    (422, {"detail": [{"loc": ["body", "x"], "msg": "Extra inputs are not permitted"}]}, 422,
     "body.x: Extra inputs"),
    (422, {"object": "error", "message": {"detail": [{"loc": ["body", "y"], "msg": "no"}]}}, 422,
     "body.y: no"),
    (429, {"object": "error", "message": "Requests rate limit exceeded", "type": "rate_limited",
           "code": "1300"}, 429, "rate limit"),
    (400, {"object": "error", "message": "tier", "type": "x", "code": "3505"}, 429, "tier"),
    (401, {"message": "Unauthorized", "request_id": "r"}, 401, "Unauthorized"),
])
def test_errors_mean_what_mistral_means(start, status, body, want, says):
    _, gate = start(lambda conn, request: conn.answer(body, status))
    answer = chat(gate.port, model="m")
    assert answer.status == want and says in answer.json()["error"]["message"]
