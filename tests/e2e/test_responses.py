"""Clients of OpenAI's Responses format: passed on to a provider that speaks it, translated for one
that does not."""

import json

import pytest

from support.client import ask
from support.upstream import chat_events, chat_json, error_json

WORDS = ["Hello ", "big ", "world"]


def said(kind, **more):
    return b"event: %s\ndata: %s\n\n" % (kind.encode(), json.dumps({"type": kind, **more}).encode())


def native_events():
    """As OpenAI sends it: every text four times."""
    text = "".join(WORDS)
    part = {"type": "output_text", "text": text, "annotations": [],
            "logprobs": [{"token": text, "logprob": 0}]}
    item = {"id": "msg_1", "type": "message", "role": "assistant", "status": "completed",
            "content": [part]}
    place = {"item_id": "msg_1", "output_index": 0, "content_index": 0}
    base = {"id": "resp_1", "object": "response", "created_at": 1, "model": "m-1", "tools": [],
            "status": "in_progress", "output": []}
    return [
        said("response.created", sequence_number=0, response=base),
        said("response.output_item.added", sequence_number=1, output_index=0,
             item={**item, "content": [], "status": "in_progress"}),
        said("response.content_part.added", sequence_number=2, **place,
             part={**part, "text": "", "logprobs": []}),
        *[said("response.output_text.delta", sequence_number=3 + i, **place, delta=word,
               logprobs=[{"token": word, "logprob": 0}]) for i, word in enumerate(WORDS)],
        said("response.output_text.done", sequence_number=6, **place, text=text,
             logprobs=part["logprobs"]),
        said("response.content_part.done", sequence_number=7, **place, part=part),
        said("response.output_item.done", sequence_number=8, output_index=0, item=item),
        said("response.completed", sequence_number=9, response={
            **base, "status": "completed", "output": [item], "output_text": text,
            "usage": {"input_tokens": 7, "output_tokens": 3, "total_tokens": 10}}),
    ]


def native(conn, request):
    assert request.target == "/v1/responses"
    if request.json().get("stream"):
        conn.stream(native_events())
    else:
        last = json.loads(native_events()[-1].partition(b"data: ")[2])
        conn.answer(last["response"])


def chats(conn, request):
    assert request.target == "/v1/chat/completions"
    if request.json().get("stream"):
        conn.stream(chat_events(WORDS))
    else:
        conn.answer(chat_json("".join(WORDS)))


def respond(gate, **more):
    return ask(gate.port, "POST", "/v1/responses",
               json.dumps({"model": "up/m", "input": "hi", **more}).encode(),
               headers=[("Content-Type", "application/json")])


@pytest.fixture
def gate_of(gateway, upstream):
    def make(handler, responses, **more):
        up = upstream(handler)
        return gateway(providers={"up": {"base_url": up.url, "responses": responses}}, **more), up

    return make


def text_of(answer):
    return "".join(part["text"] for item in answer["output"] for part in item["content"])


def kinds(answer):
    return [name for name, _ in answer.events()]


def test_a_provider_that_speaks_it_gets_what_the_client_sent(gate_of):
    gate, up = gate_of(native, True)
    answer = respond(gate, previous_response_id="resp_0", unknown=1e-8)
    assert answer.json()["output_text"] == "Hello big world"
    sent = up.requests[0].json()
    assert sent["previous_response_id"] == "resp_0" and sent["model"] == "m"
    assert b"1e-08" in up.requests[0].body
    record = gate.wait_records()[0]
    assert record["usage"]["input"] == 7


def test_a_native_stream_passes_as_it_is(gate_of):
    gate, _ = gate_of(native, True)
    assert respond(gate, stream=True).body == b"".join(native_events())
    assert gate.wait_records()[0]["usage"]["output"] == 3


def test_another_provider_is_asked_for_a_chat(gate_of):
    gate, up = gate_of(chats, False)
    answer = respond(gate, instructions="be kind", max_output_tokens=5).json()
    assert text_of(answer) == "Hello big world" and answer["status"] == "completed"
    assert up.requests[0].json() == {
        "model": "m", "max_tokens": 5, "messages": [
            {"role": "system", "content": "be kind"}, {"role": "user", "content": "hi"}]}


def test_a_translated_stream_has_all_the_events(gate_of):
    gate, _ = gate_of(chats, False)
    answer = respond(gate, stream=True)
    assert kinds(answer) == [
        "response.created", "response.in_progress", "response.output_item.added",
        "response.content_part.added", *["response.output_text.delta"] * 3,
        "response.output_text.done", "response.content_part.done", "response.output_item.done",
        "response.completed"]
    last = json.loads(answer.events()[-1][1])["response"]
    assert text_of(last) == "Hello big world" and last["usage"]["output_tokens"] == 3


def test_what_is_stored_elsewhere_is_refused_by_name(gate_of):
    gate, up = gate_of(chats, False)
    answer = respond(gate, previous_response_id="resp_0")
    assert answer.status == 400
    assert "previous_response_id" in answer.json()["error"]["message"]
    assert not up.requests


def test_an_error_of_the_provider_keeps_its_status(gate_of):
    gate, _ = gate_of(lambda conn, request: conn.answer(error_json("slow down"), 429), False)
    answer = respond(gate)
    assert answer.status == 429 and answer.json()["error"]["message"]


def test_a_stream_that_breaks_off_does_not_end_well(gate_of):
    def breaks(conn, request):
        conn.stream(chat_events(WORDS)[:3], end=False)
        conn.close()

    gate, _ = gate_of(breaks, False)
    answer = respond(gate, stream=True)
    assert kinds(answer)[-1] == "error" and "response.completed" not in kinds(answer)
    assert json.loads(answer.events()[-1][1])["error"]["message"]


def test_other_paths_below_pass(gate_of):
    def raw(conn, request):
        conn.answer({"path": request.target})

    gate, _ = gate_of(raw, False)
    for method, path in (("GET", "/v1/responses/resp_1/input_items?limit=2"),
                         ("POST", "/v1/responses/resp_1/cancel"), ("DELETE", "/v1/responses/r")):
        answer = ask(gate.port, method, path, headers=[("x-headgate-provider", "up")])
        assert answer.status == 200 and answer.json()["path"] == path


@pytest.mark.parametrize("handler, responses", [(native, True), (chats, False)])
@pytest.mark.parametrize("stream", [False, True])
def test_what_a_route_takes_out_is_said_nowhere_again(gate_of, handler, responses, stream):
    source = ('local s = require "headgate"\nlocal ask = s.target "up/m"\n'
              'return s.route { path = "/v1/responses", handler = function(req) '
              'local resp = ask(req) '
              'return resp:map(function(text) return (text:gsub("big", "***")) end) end }\n')
    gate, _ = gate_of(handler, responses, routes={"r.lua": source})
    answer = respond(gate, stream=stream)
    assert answer.status == 200
    assert b"***" in answer.body
    if stream:
        assert b"big" not in answer.body
        assert answer.body.count(b"Hello *** world") == 4
    else:
        assert text_of(answer.json()) == "Hello *** world"
