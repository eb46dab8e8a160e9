"""Providers with a format of their own: what reaches them from clients of OpenAI's and of their own
format, and what becomes of their answers and errors."""

import json

import pytest

from support.client import ask, chat
from support.upstream import tells_of_failure

ANTHROPIC = {"id": "msg_1", "type": "message", "role": "assistant", "model": "claude-x",
             "content": [{"type": "text", "text": "Hi"}], "stop_reason": "end_turn",
             "stop_sequence": None, "usage": {"input_tokens": 3, "output_tokens": 2}}
GOOGLE = {"candidates": [{"content": {"role": "model", "parts": [{"text": "Hi"}]},
                          "finishReason": "STOP", "index": 0}],
          "usageMetadata": {"promptTokenCount": 3, "candidatesTokenCount": 2,
                            "totalTokenCount": 5}, "modelVersion": "gemini-x"}
COHERE = {"id": "c1", "finish_reason": "COMPLETE",
          "message": {"role": "assistant", "content": [{"type": "text", "text": "Hi"}]},
          "usage": {"tokens": {"input_tokens": 3, "output_tokens": 2}}}

CASES = {
    "anthropic": {"path": "/v1/messages", "key": ("x-api-key", "sk-canary-upstream-key"),
                  "answer": ANTHROPIC, "native": "/v1/messages", "base": "/v1",
                  "body": b'{"model":"m",  "max_tokens": 9, "messages":'
                          b'[{"role":"user","content":"h\\u0069"}], "x-new": [1]}',
                  "error": {"type": "error", "error": {"type": "overloaded_error",
                                                       "message": "too busy"}}, "status": 529},
    "google": {"path": "/v1beta/models/m:generateContent",
               "key": ("x-goog-api-key", "sk-canary-upstream-key"), "base": "/v1beta",
               "answer": GOOGLE, "native": "/v1beta/models/m:generateContent?key=mine",
               "body": b'{"contents":  [{"role":"user","parts":[{"text":"h\\u0069"}]}], "x": 1}',
               "error": {"error": {"code": 503, "message": "too busy",
                                   "status": "UNAVAILABLE"}}, "status": 503},
    "cohere": {"path": "/v2/chat", "key": ("authorization", "Bearer sk-canary-upstream-key"),
               "answer": COHERE, "native": "/v2/chat", "base": "",
               "body": b'{"model":"m",  "messages":[{"role":"user","content":"h\\u0069"}], "x":1}',
               "error": {"message": "too busy"}, "status": 503},
}


@pytest.fixture(params=CASES)
def case(request):
    return request.param, CASES[request.param]


def start(gateway, up, name):
    base = up.url.removesuffix("/v1") + CASES[name]["base"]
    return gateway(providers={name: {"plugin": name, "base_url": base}})


def answers(case):
    return lambda conn, request: conn.answer(json.dumps(case["answer"]).encode())


def test_a_client_of_openais_format_is_answered(gateway, upstream, case):
    name, facts = case
    up = upstream(answers(facts))
    gate = start(gateway, up, name)
    answer = chat(gate.port, model="m").json()
    assert answer["choices"][0]["message"]["content"] == "Hi"
    assert answer["choices"][0]["finish_reason"] == "stop"
    assert answer["usage"]["prompt_tokens"] == 3
    [request] = up.requests
    assert request.target == facts["path"]
    field, value = facts["key"]
    assert request.header(field) == value
    assert name == "cohere" or request.header("authorization") is None


def test_a_client_of_its_own_format_passes_unchanged(gateway, upstream, case):
    name, facts = case
    up = upstream(answers(facts))
    gate = start(gateway, up, name)
    answer = ask(gate.port, "POST", facts["native"], facts["body"],
                 {"Content-Type": "application/json"})
    assert answer.json() == facts["answer"]
    [request] = up.requests
    assert request.body == facts["body"] and request.target == facts["path"]


def test_its_errors_come_in_openais_form(gateway, upstream, case):
    name, facts = case

    def fails(conn, request):
        conn.answer(json.dumps(facts["error"]).encode(), status=facts["status"])

    answer = chat(start(gateway, upstream(fails), name).port, model="m")
    error = answer.json()["error"]
    assert answer.status >= 500 and "too busy" in error["message"]


@pytest.mark.parametrize("status", [400, 404, 429, 500, 503])
def test_its_errors_keep_their_status(gateway, upstream, case, status):
    # Pitfall 153: Google's words are the same on Vertex.
    name, facts = case
    body = facts["error"]
    if name == "google":
        body = {"error": {**body["error"], "code": status, "status": "X"}}
    elif name == "anthropic":  # whose types mean more than the status
        body = {"type": "error", "error": {"type": "some_error", "message": "why"}}
    up = upstream(lambda conn, request: conn.answer(body, status))
    gate = start(gateway, up, name)
    for stream in (False, True):
        assert chat(gate.port, model="m", stream=stream).status == status


def test_a_stream_that_is_cut_is_told_so(gateway, upstream, case):
    name, _ = case

    def cuts(conn, request):
        conn.send(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n"
                  + STARTS[name])
        conn.reset()

    answer = chat(start(gateway, upstream(cuts), name).port, model="m", stream=True)
    assert answer.status >= 500 or tells_of_failure(answer.body)


STARTS = {
    "anthropic": b'event: message_start\ndata: {"type":"message_start","message":{"id":"m",'
                 b'"model":"c","usage":{"input_tokens":3}}}\n\nevent: content_block_start\ndata: '
                 b'{"type":"content_block_start","index":0,"content_block":{"type":"text",'
                 b'"text":""}}\n\nevent: content_block_delta\ndata: {"type":'
                 b'"content_block_delta","index":0,"delta":{"type":"text_delta","text":"Hi"}}\n\n',
    "google": b'data: {"candidates":[{"content":{"role":"model","parts":[{"text":"Hi"}]},'
              b'"index":0}]}\r\n\r\n',
    "cohere": b'event: message-start\ndata: {"type":"message-start","id":"c"}\n\n'
              b'event: content-start\ndata: {"type":"content-start","index":0,"delta":{"message":'
              b'{"content":{"type":"text","text":""}}}}\n\nevent: content-delta\ndata: {"type":'
              b'"content-delta","index":0,"delta":{"message":{"content":{"text":"Hi"}}}}\n\n',
}


def test_what_it_does_not_have_is_said(gateway, upstream, case):
    name, _ = case
    gate = start(gateway, upstream(), name)
    answer = ask(gate.port, "POST", "/v1/completions", {"model": "m", "prompt": "x"})
    assert answer.status == 400 and "nothing like /v1/completions" in answer.body.decode()
