"""Ollama by its own API: tools, images, thinking, the length of the context."""

import json

import pytest

from support.client import ask, chat
from support.upstream import tells_of_failure

DONE = {"model": "m", "message": {"role": "assistant", "content": ""}, "done": True,
        "done_reason": "stop", "prompt_eval_count": 7, "eval_count": 2}
CALL = {"function": {"name": "f", "arguments": {"a": 1}}}


def line(**message):
    return {"model": "m", "created_at": "2026-01-01T00:00:00Z", "done": False,
            "message": {"role": "assistant", **message}}


def lines(*documents):
    def handler(conn, request):
        whole = "".join(json.dumps(one) + "\n" for one in documents).encode()
        conn.head(content_type="application/x-ndjson")
        for at in range(0, len(whole), 50):
            conn.chunk(whole[at:at + 50])
        conn.end_chunks()
    return handler


def answers(**message):
    return lambda conn, request: conn.answer({**DONE, "message": {"role": "assistant", **message}})


@pytest.fixture
def start(gateway, upstream):
    def make(handler, **more):
        up = upstream(handler)
        return up, gateway(providers={"ollama": {"plugin": "ollama", "base_url": up.url,
                                                 "api_key": None, **more}})
    return make


def deltas(answer):
    found = [json.loads(data) for _, data in answer.events() if data != "[DONE]"]
    return [one["choices"][0] for one in found if one["choices"]]


def test_the_length_of_the_context_is_said(start):
    up, gate = start(answers(content="Hi"), num_ctx=16384, keep_alive="10m")
    answer = chat(gate.port, model="m", temperature=0, max_tokens=9, stop="x")
    assert answer.json()["choices"][0]["message"]["content"] == "Hi"
    assert answer.json()["usage"]["prompt_tokens"] == 7
    [request] = up.requests
    assert request.target == "/api/chat" and request.header("authorization") is None
    sent = request.json()
    assert sent["options"] == {"temperature": 0, "num_predict": 9, "stop": ["x"], "num_ctx": 16384}
    assert sent["keep_alive"] == "10m" and sent["stream"] is False
    chat(gate.port, model="m", options={"num_ctx": 5, "mirostat": 1}, keep_alive=-1)
    sent = up.requests[1].json()
    assert sent["options"] == {"num_ctx": 5, "mirostat": 1} and sent["keep_alive"] == -1


def test_a_stream_of_lines_becomes_chunks(start):
    _, gate = start(lines(line(content="", thinking="hm"), line(content="Hel"), line(content="lo"),
                          DONE))
    answer = chat(gate.port, model="m", stream=True)
    found = deltas(answer)
    assert "".join(d["delta"].get("content") or "" for d in found) == "Hello"
    assert "".join(d["delta"].get("reasoning_content") or "" for d in found) == "hm"
    assert found[-1]["finish_reason"] == "stop" and b"[DONE]" in answer.body
    record = gate.wait_records(1)[0]
    assert (record["usage"]["input"], record["usage"]["output"]) == (7, 2)


@pytest.mark.parametrize("stream", [False, True])
def test_calls_end_with_tool_calls(start, stream):
    """Pitfall 35, for whom says "stop" as Gemini does; and ids that are not given are made."""
    message = {"content": "", "tool_calls": [CALL, {"function": {"name": "g", "arguments": {}}}]}
    _, gate = start(lines(line(**message), DONE) if stream else answers(**message))
    answer = chat(gate.port, model="m", stream=stream)
    if stream:
        found = deltas(answer)
        finish = found[-1]["finish_reason"]
        calls = [c for d in found for c in d["delta"].get("tool_calls") or () if c.get("id")]
    else:
        [choice] = answer.json()["choices"]
        finish, calls = choice["finish_reason"], choice["message"]["tool_calls"]
        assert json.loads(calls[0]["function"]["arguments"]) == {"a": 1}
    assert finish == "tool_calls" and [c["function"]["name"] for c in calls] == ["f", "g"]
    assert len({c["id"] for c in calls}) == 2


def test_history_images_and_schemas_arrive_in_its_form(start):
    up, gate = start(answers(content="{}"))
    call = {"id": "c1", "type": "function", "function": {"name": "f", "arguments": "{\"a\":1}"}}
    bad = {"id": "c2", "type": "function", "function": {"name": "g", "arguments": "oops"}}
    chat_answer = ask(gate.port, "POST", "/v1/chat/completions", {
        "model": "m", "reasoning_effort": "low", "tools": [{"type": "function", "function": {
            "name": "f"}}],
        "response_format": {"type": "json_schema", "json_schema": {"schema": {"type": "object"}}},
        "messages": [
            {"role": "developer", "content": "be brief"},
            {"role": "user", "content": [{"type": "text", "text": "a"}, {"type": "text", "text": "b"},
                                         {"type": "image_url", "image_url": {
                                             "url": "data:image/png;base64,QUJD"}}]},
            {"role": "assistant", "content": None, "reasoning_content": "hm",
             "tool_calls": [call, bad]},
            {"role": "tool", "tool_call_id": "c1", "content": "ok"}]})
    assert chat_answer.status == 200
    sent = up.requests[0].json()
    assert sent["think"] is True and sent["format"] == {"type": "object"}
    assert sent["messages"] == [
        {"role": "system", "content": "be brief"},
        {"role": "user", "content": "a\nb", "images": ["QUJD"]},
        # Pitfall 90: arguments that are no object.
        {"role": "assistant", "content": "", "thinking": "hm", "tool_calls": [
            {"id": "c1", "function": {"name": "f", "arguments": {"a": 1}}},
            {"id": "c2", "function": {"name": "g", "arguments": {"input": "oops"}}}]},
        {"role": "tool", "content": "ok", "tool_call_id": "c1", "tool_name": "f"}]
    chat(gate.port, model="gpt-oss:20b", reasoning_effort="minimal")
    assert up.requests[1].json()["think"] == "low"
    chat(gate.port, model="m", reasoning_effort="none")
    assert up.requests[2].json()["think"] is False


def test_what_it_cannot_do_is_said(start):
    up, gate = start(answers(content="Hi"))
    assert chat(gate.port, model="m", n=2).status == 400
    answer = ask(gate.port, "POST", "/v1/chat/completions", {"model": "m", "messages": [
        {"role": "user", "content": [{"type": "image_url", "image_url": {"url": "http://x/a.png"}}]}]})
    assert answer.status == 400 and "data: URLs" in answer.json()["error"]["message"]
    assert ask(gate.port, "POST", "/v1/completions", {"model": "m", "prompt": "x"}).status == 400
    assert not up.requests


def test_a_client_of_anthropic_is_served(start):
    up, gate = start(lines(line(thinking="hm", content=""), line(content="Hi", tool_calls=[CALL]),
                           DONE), num_ctx=99)
    answer = ask(gate.port, "POST", "/v1/messages", {
        "model": "m", "max_tokens": 9, "stream": True, "system": "s",
        "messages": [{"role": "user", "content": "x"}]})
    events = [json.loads(data) for _, data in answer.events()]
    assert [e["delta"]["text"] for e in events if e.get("delta", {}).get("type") == "text_delta"] == [
        "Hi"]
    assert [e["delta"]["stop_reason"] for e in events if e["type"] == "message_delta"] == ["tool_use"]
    sent = up.requests[0].json()
    assert sent["options"] == {"num_predict": 9, "num_ctx": 99} and sent["stream"] is True
    assert sent["messages"][0] == {"role": "system", "content": "s"}


def test_errors_of_all_kinds_are_told(start):
    _, gate = start(lambda conn, request: conn.answer({"error": "model 'm' not found"}, 404))
    answer = chat(gate.port, model="m")
    assert answer.status == 404 and "not found" in answer.json()["error"]["message"]
    _, gate = start(lines({"error": "out of memory"}))
    answer = chat(gate.port, model="m", stream=True)
    assert answer.status >= 500 and "out of memory" in answer.json()["error"]["message"]
    _, gate = start(lines(line(content="Hi"), {"error": "out of memory"}))
    answer = chat(gate.port, model="m", stream=True)
    assert tells_of_failure(answer.body) and b"out of memory" in answer.body


def test_a_stream_that_is_cut_is_told_so(start):
    """Pitfall 37."""
    _, gate = start(lines(line(content="Hi")))
    answer = chat(gate.port, model="m", stream=True)
    assert tells_of_failure(answer.body)


def test_embeddings_are_given(start):
    up, gate = start(lambda conn, request: conn.answer(
        {"object": "list", "model": "e", "data": [{"object": "embedding", "index": 0,
                                                   "embedding": [0.5]}],
         "usage": {"prompt_tokens": 2, "total_tokens": 2}}))
    answer = ask(gate.port, "POST", "/v1/embeddings", {"model": "e", "input": "a"}).json()
    assert answer["data"][0]["embedding"] == [0.5] and answer["usage"]["prompt_tokens"] == 2
    assert up.requests[0].target == "/v1/embeddings"
