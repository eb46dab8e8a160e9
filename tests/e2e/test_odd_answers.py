"""What servers of OpenAI's format do otherwise than it, and what each client is given of it."""

import json
import re

import pytest

from support.client import sse_events
from support.upstream import DONE, sse
from support.wires import JSON, Said, aws_frame, wires
from test_translation import Place, failed, same

WIRES = {wire.name: wire for wire in wires()}
OPENAI, RESPONSES, ANTHROPIC = (WIRES[name] for name in
                                ("openai_chat", "openai_responses", "anthropic"))
CLIENTS = [wire for wire in WIRES.values() if wire is not OPENAI]

clients = pytest.mark.parametrize("client", CLIENTS, ids=[wire.name for wire in CLIENTS])
providers = pytest.mark.parametrize("provider", CLIENTS, ids=[wire.name for wire in CLIENTS])


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    one = Place(tmp_path_factory.mktemp("place"))
    yield one
    one.stop()


def chunk(delta=None, finish=None, **more):
    """`delta` None: no choices."""
    choices = [] if delta is None else [{"index": 0, "delta": delta, "finish_reason": finish}]
    return sse({"id": "c1", "object": "chat.completion.chunk", "created": 1, "model": "m",
                "choices": choices, **more})


def call(index=0, id_="call_1", name="look", args="{}", **more):
    function = {"arguments": args}
    if name is not None:
        function["name"] = name
    made = {"index": index, "type": "function", "function": function, **more}
    if id_ is not None:
        made["id"] = id_
    return {key: value for key, value in made.items() if value != "absent"}


USAGE = {"prompt_tokens": 7, "completion_tokens": 5, "total_tokens": 12}
ROLE = chunk({"role": "assistant", "content": ""})
TEXT = [ROLE, chunk({"content": "Hello "}), chunk({"content": "there"})]
END = [chunk({}, "stop"), chunk(usage=USAGE), DONE]
HELLO = Said("Hello there", [], "stop", (7, 5))


def streamed(place, client, pieces, provider=OPENAI):
    place.streams(pieces, provider.stream_type)
    answer = place.ask(client, provider, stream=True)
    assert answer.status == 200, answer.body
    return answer.body


def said(place, client, pieces):
    return client.read_stream(streamed(place, client, pieces))


def chunks(body):
    return [json.loads(data) for _, data in sse_events(body) if data != "[DONE]"]


def events(body):
    return [json.loads(data) for _, data in sse_events(body)]


# ---- calls


@clients
@pytest.mark.parametrize("calls", [[], None], ids=["empty", "null"])
def test_an_empty_list_of_calls_is_no_call(place, client, calls):
    # Pitfall 3.
    pieces = [ROLE, chunk({"content": "Hello ", "tool_calls": calls}),
              chunk({"content": "there", "tool_calls": calls}),
              chunk({"tool_calls": calls}, "stop"), chunk(usage=USAGE), DONE]
    body = streamed(place, client, pieces)
    same(client.read_stream(body), HELLO)
    for word in (b"tool_use", b"toolUse", b"tool-call", b"functionCall", b"function_call",
                 b"input_json_delta"):
        assert word not in body, word


@clients
def test_a_call_without_a_proper_id_gets_one(place, client):
    # Pitfall 22: empty ones and "null" are none, and one that comes empty later takes none away.
    for id_ in ("", "null", None):
        pieces = [ROLE, chunk({"tool_calls": [call(id_=id_, args='{"q"')]}),
                  chunk({"tool_calls": [call(id_="", name=None, args=":1}")]}),
                  chunk({}, "tool_calls"), chunk(usage=USAGE), DONE]
        body = streamed(place, client, pieces)
        same(client.read_stream(body), Said("", [("look", {"q": 1})], "tools", (7, 5)))
        assert b'"null"' not in body
    pieces = [ROLE, chunk({"tool_calls": [call(id_="call_mine", args='{"q"')]}),
              chunk({"tool_calls": [call(id_="", name=None, args=":1}")]}),
              chunk({}, "tool_calls"), chunk(usage=USAGE), DONE]
    body = streamed(place, client, pieces)
    assert client.name == "gemini" or b"call_mine" in body
    same(client.read_stream(body), Said("", [("look", {"q": 1})], "tools", (7, 5)))


@clients
def test_nothing_of_a_call_goes_out_before_its_name(place, client):
    # Pitfall 23.
    pieces = [ROLE, chunk({"tool_calls": [call(name="", args='{"q"')]}),
              chunk({"tool_calls": [call(id_=None, name=None, args=":")]}),
              chunk({"tool_calls": [call(id_=None, args="1}")]}),
              chunk({}, "tool_calls"), chunk(usage=USAGE), DONE]
    body = streamed(place, client, pieces)
    same(client.read_stream(body), Said("", [("look", {"q": 1})], "tools", (7, 5)))
    assert body.index(b"look") < body.index(b"q\\\"" if b"q\\\"" in body else b'"q"')


@clients
@pytest.mark.parametrize("type_", [None, "absent", ""])
def test_the_type_of_a_call_may_be_missing(place, client, type_):
    # Pitfall 27.
    pieces = [ROLE, chunk({"tool_calls": [call(args='{"q":', type=type_)]}),
              chunk({"tool_calls": [call(id_=None, name=None, args="1}", type=type_)]}),
              chunk({}, "tool_calls"), chunk(usage=USAGE), DONE]
    same(said(place, client, pieces), Said("", [("look", {"q": 1})], "tools", (7, 5)))


@clients
@pytest.mark.parametrize("role", ["", None, "absent"])
def test_the_role_of_a_delta_may_be_missing(place, client, role):
    # Pitfall 28.
    more = {} if role == "absent" else {"role": role}
    pieces = [chunk({"content": "", **more}), chunk({"content": "Hello ", **more}),
              chunk({"content": "there", **more}), *END]
    same(said(place, client, pieces), HELLO)


@clients
def test_fragments_without_id_go_to_the_open_call(place, client):
    # Pitfall 184: Oracle's have no index either.
    def bare(**more):
        made = call(**more)
        del made["index"]
        return made

    pieces = [ROLE, chunk({"tool_calls": [bare(id_="a", args='{"q"')]}),
              chunk({"tool_calls": [bare(id_=None, name=None, args=":1}")]}),
              chunk({"tool_calls": [bare(id_="b", name="go", args='{"z"')]}),
              chunk({"tool_calls": [bare(id_=None, name=None, args=":2}")]}),
              chunk({}, "tool_calls"), chunk(usage=USAGE), DONE]
    same(said(place, client, pieces), Said("", [("look", {"q": 1}), ("go", {"z": 2})], "tools",
                                           (7, 5)))


@clients
def test_calls_of_a_whole_answer_survive_what_stands_beside(place, client):
    # Pitfall 183: as OpenRouter answers.
    place.answers({"id": "gen-1", "provider": "X", "model": "m", "object": "chat.completion",
                   "created": 1, "choices": [{
                       "logprobs": None, "finish_reason": "tool_calls",
                       "native_finish_reason": "tool_use", "index": 0,
                       "message": {"role": "assistant", "content": "", "refusal": None,
                                   "reasoning": None, "tool_calls": [
                                       call(args='{"q":1}'), call(1, "call_2", "go", "")]}}],
                   "usage": USAGE})
    answer = place.ask(client, OPENAI)
    same(client.read(answer.json()), Said("", [("look", {"q": 1}), ("go", {})], "tools", (7, 5)))


# ---- reasoning


@clients
@pytest.mark.parametrize("key", ["reasoning", "reasoning_content"])
def test_reasoning_is_read_by_both_of_its_names(place, client, key):
    # Pitfall 134.
    pieces = [ROLE, chunk({key: "I pon"}), chunk({key: "der"}), *TEXT[1:], *END]
    body = streamed(place, client, pieces)
    assert b"I pon" in body
    same(client.read_stream(body), HELLO)
    place.answers({"object": "chat.completion", "model": "m", "usage": USAGE, "choices": [
        {"index": 0, "finish_reason": "stop",
         "message": {"role": "assistant", "content": "Hello there", key: "I ponder"}}]})
    assert b"I ponder" in place.ask(client, OPENAI).body


# ---- usage


@clients
@pytest.mark.parametrize("pieces", [
    pytest.param([sse({"choices": [], "prompt_filter_results": [{}], "model": "", "id": "",
                       "object": "", "created": 0}), *TEXT, *END], id="azure"),
    pytest.param([*TEXT, chunk({"content": ""}, "stop", usage=USAGE), DONE], id="mistral"),
    pytest.param([*TEXT, sse({"id": "c1", "object": "chat.completion.chunk", "created": 1,
                              "model": "m", "choices": [{"index": 0, "delta": {}, "usage": USAGE,
                                                         "finish_reason": "stop"}]}), DONE],
                 id="moonshot"),
])
def test_usage_is_found_where_vendors_put_it(place, client, pieces):
    # Pitfall 140.
    same(said(place, client, pieces), HELLO)


def test_groqs_cache_reads_and_xais_reasoning_are_counted(place):
    # Pitfalls 143 and 147.
    groq = {"queue_time": 0.1, "prompt_tokens": 20, "completion_tokens": 5, "total_tokens": 25,
            "prompt_tokens_details": {"cached_tokens": 12}}
    body = streamed(place, ANTHROPIC, [*TEXT, chunk({}, "stop", x_groq={"id": "r", "usage": groq}),
                                       DONE])
    usage = [event["usage"] for event in events(body) if event["type"] == "message_delta"][0]
    assert usage["input_tokens"] == 8 and usage["cache_read_input_tokens"] == 12
    # What was thought is not part of the completion, and the total says so.
    xai = {"prompt_tokens": 7, "completion_tokens": 5, "total_tokens": 42,
           "completion_tokens_details": {"reasoning_tokens": 30}}
    assert said(place, ANTHROPIC, [*TEXT, chunk({}, "stop", usage=xai), DONE]).usage == (7, 35)
    # More was read from a cache than there was input: the input is what was not.
    xai = {"prompt_tokens": 3, "completion_tokens": 5, "total_tokens": 8,
           "prompt_tokens_details": {"cached_tokens": 12}}
    body = streamed(place, ANTHROPIC, [*TEXT, chunk({}, "stop", usage=xai), DONE])
    usage = [event["usage"] for event in events(body) if event["type"] == "message_delta"][0]
    assert usage["input_tokens"] == 3 and usage["cache_read_input_tokens"] == 12


# ---- errors and ends


@clients
def test_an_error_of_groq_inside_of_a_chunk_is_one(place, client):
    # Pitfall 43.
    pieces = [*TEXT, sse({"id": "c1", "object": "chat.completion.chunk", "created": 1, "model": "m",
                          "choices": [{"index": 0, "delta": {}, "finish_reason": None}],
                          "x_groq": {"id": "r", "error": "the model is over capacity"}})]
    place.streams(pieces)
    assert "over capacity" in failed(client, place.ask(client, OPENAI, stream=True))


@clients
def test_perplexitys_finish_is_a_word_of_the_format(place, client):
    # Pitfall 185: each of its chunks has the message so far, the last one finish and usage.
    def piece(word, text, finish):
        return sse({"id": "p", "model": "sonar", "object": "chat.completion.done" if finish else
                    "chat.completion.chunk", "created": 1, "usage": USAGE, "choices": [
                        {"index": 0, "finish_reason": finish, "delta": {"role": "assistant",
                                                                        "content": word},
                         "message": {"role": "assistant", "content": text}}]})

    for finish in ("stop", ""):
        pieces = [piece("Hello ", "Hello ", None), piece("there", "Hello there", None),
                  piece("", "Hello there", finish), DONE]
        place.streams(pieces)
        answer = place.ask(client, OPENAI, stream=True)
        if finish:
            same(client.read_stream(answer.body), HELLO)
        else:
            failed(client, answer)


@clients
def test_every_framing_of_events_is_understood(place, client):
    # Pitfalls 48, 49 and 51.
    def flat(piece):
        return piece.replace(b"data: ", b"data:")

    def odd(piece):
        return b"id: 7\nx-new: 1\nretry: 10\n" + piece

    def split(piece):  # inside of the document, where a line end is white space
        return piece.replace(b'"choices"', b'\ndata: "choices"')

    whole = [*TEXT, *END]
    for change in (flat, odd, split):
        same(said(place, client, [change(piece) for piece in whole]), HELLO)
    quiet = [b": OPENROUTER PROCESSING\n\n", b":\n\n", b"\n\n", b"event: ping\n\n", b"data: \n\n",
             b"data: {}\n\n", b"data: null\n\n"]
    pieces = [piece for one in whole for piece in (*quiet, one)]
    same(said(place, client, pieces), HELLO)


# ---- what OpenAI's clients are given


@providers
def test_chunks_are_made_as_openais(place, provider):
    # Pitfalls 17, 29, 31, 32, 33 and 52.
    want = Said("Hello there", [("look", {"q": 1})], "tools", (7, 5))
    body = streamed(place, OPENAI, provider.stream(want), provider)
    assert body.endswith(b"\n\ndata: [DONE]\n\n") and body.count(b"[DONE]") == 1
    assert all(line == b"" or line.startswith(b"data: ") for line in body.split(b"\n"))
    made = chunks(body)
    assert made[0]["choices"][0]["delta"]["role"] == "assistant"
    assert not any("role" in choice["delta"] for one in made[1:] for choice in one["choices"])
    assert len({one["id"] for one in made}) == 1 and made[0]["id"]
    assert {one["object"] for one in made} == {"chat.completion.chunk"}
    assert all(type(one["created"]) is int and 1.7e9 < one["created"] < 4e9 for one in made)
    assert all(type(one["choices"]) is list for one in made)
    same(OPENAI.read_stream(body), want)
    place.answers(provider.whole(want))
    whole = place.ask(OPENAI, provider).json()
    assert whole["object"] == "chat.completion" and whole["id"]
    assert type(whole["created"]) is int and 1.7e9 < whole["created"] < 4e9
    assert type(whole["choices"]) is list and whole["choices"][0]["message"]["role"] == "assistant"


@providers
def test_two_answers_never_share_an_id_that_we_make(place, provider):
    # Pitfall 30: the provider has said none.
    def bare(document):
        return {key: value for key, value in document.items()
                if key not in ("id", "responseId")}

    ids = set()
    for _ in range(3):
        place.answers(bare(provider.whole(HELLO)))
        ids.add(place.ask(OPENAI, provider).json()["id"])
    assert len(ids) == 3 and all(re.fullmatch(r"chatcmpl-\w{20,}", one) for one in ids), ids


def test_each_of_several_choices_keeps_its_number(place):
    # Pitfall 20, and 17 for each of them.
    def frame(*texts, finish=None):
        return sse({"responseId": "r", "modelVersion": "m", "candidates": [
            {"index": index, "content": {"role": "model", "parts": [{"text": text}]},
             **({"finishReason": finish} if finish else {})} for index, text in texts]})

    pieces = [frame((1, "one ")), frame((0, "null "), (1, "uno")), frame((0, "zero"),
              finish="STOP"), frame((1, "!"), finish="STOP")]
    made = chunks(streamed(place, OPENAI, pieces, WIRES["gemini"]))
    texts, firsts = {}, {}
    for one in made:
        for choice in one["choices"]:
            firsts.setdefault(choice["index"], choice["delta"])
            texts[choice["index"]] = texts.get(choice["index"], "") + (
                choice["delta"].get("content") or "")
    assert texts == {0: "null zero", 1: "one uno!"}
    assert all(first["role"] == "assistant" for first in firsts.values()) and len(firsts) == 2


@providers
def test_counts_that_nobody_has_told_are_left_out(place, provider):
    # Pitfall 34: never null, and not 0 either.
    def without_counts(value):
        if isinstance(value, dict):
            return {key: without_counts(one) for key, one in value.items()
                    if "details" not in key.lower()}
        return value

    document = without_counts(provider.whole(HELLO))
    for usage in ("usage", "usageMetadata"):
        if usage in document:
            document[usage].update({"input_tokens_details": {"cached_tokens": None}}
                                   if provider is RESPONSES else
                                   {"cache_read_input_tokens": None,
                                    "cachedContentTokenCount": None})
    place.answers(document)
    answer = place.ask(OPENAI, provider)
    assert OPENAI.read(answer.json()).usage == (7, 5)
    assert b"cached_tokens" not in answer.body and b"reasoning_tokens" not in answer.body


@providers
def test_fields_of_the_providers_body_do_not_stay_on_ours(place, provider):
    # Pitfalls 59 and 60: another body goes out than came, of another length and not coded.
    for stream in (False, True):
        body = json.dumps(provider.whole(HELLO)).encode()
        place.answers(body, headers=[("Content-Encoding", "identity"), ("ETag", '"5"'),
                                     ("Content-Language", "en")])
        answer = place.ask(OPENAI, provider, stream=stream)
        assert answer.status == 200, answer.body
        assert answer.header("content-encoding") is None and answer.header("etag") is None
        if stream:
            assert answer.header("content-length") is None
            assert answer.header("transfer-encoding") == "chunked"
            same(OPENAI.read_stream(answer.body), HELLO)
        else:
            assert int(answer.header("content-length")) == len(answer.body) != len(body)
            same(OPENAI.read(answer.json()), HELLO)


# ---- providers of other formats


@pytest.mark.parametrize("client", [OPENAI, ANTHROPIC], ids=["openai_chat", "anthropic"])
def test_half_a_frame_at_the_end_is_an_error(place, client):
    # Pitfall 54.
    converse = WIRES["converse"]
    pieces = converse.stream(HELLO)
    for cut in (1, 11, 40, len(pieces[2]) - 1):
        place.streams([*pieces[:2], pieces[2][:cut]], converse.stream_type)
        answer = place.ask(client, converse, stream=True)
        assert answer.status == 502 or failed(client, answer, ""), answer.body
    place.streams([*pieces, aws_frame("metadata", {"usage": {}})[:20]], converse.stream_type)
    got = client.read_stream(place.ask(client, converse, stream=True).body)
    assert got.error and not got.done


def event(kind, **more):
    return sse({"type": kind, **more}, ) if not kind else (
        f"event: {kind}\n".encode() + sse({"type": kind, **more}))


def created(**more):
    return event("response.created", response={"id": "resp_1", "object": "response", "model": "m",
                                               "status": "in_progress", "output": [], **more})


def test_items_whose_ids_change_are_told_by_their_place(place):
    # Pitfall 70.
    pieces = [created()]
    for index, name in enumerate(("look", "go")):
        item = {"type": "function_call", "id": f"fc_a{index}", "call_id": f"call_{index}",
                "name": name, "arguments": ""}
        pieces.append(event("response.output_item.added", output_index=index, item=item))
    for n, (index, piece) in enumerate([(0, '{"q"'), (1, '{"z"'), (0, ":1}"), (1, ":2}")]):
        pieces.append(event("response.function_call_arguments.delta", output_index=index,
                            item_id=f"fc_r{n}", delta=piece))
    calls = [("look", {"q": 1}), ("go", {"z": 2})]
    for index, (name, args) in enumerate(calls):
        pieces.append(event("response.output_item.done", output_index=index, item={
            "type": "function_call", "id": f"fc_z{index}", "call_id": f"call_{index}",
            "name": name, "arguments": json.dumps(args)}))
    pieces.append(event("response.completed", response={
        "id": "resp_1", "object": "response", "model": "m", "status": "completed",
        "output": [{"type": "function_call", "id": f"fc_e{index}", "call_id": f"call_{index}",
                    "name": name, "arguments": json.dumps(args)}
                   for index, (name, args) in enumerate(calls)],
        "usage": {"input_tokens": 7, "output_tokens": 5, "total_tokens": 12}}))
    body = streamed(place, OPENAI, pieces, RESPONSES)
    same(OPENAI.read_stream(body), Said("", calls, "tools", (7, 5)))


def words(index=0):
    item = {"type": "message", "id": "msg_1", "role": "assistant", "content": []}
    return [event("response.output_item.added", output_index=index, item=item),
            event("response.output_text.delta", output_index=index, item_id="msg_1",
                  content_index=0, delta="Hello there")]


@pytest.mark.parametrize("status, more", [
    ("incomplete", {"incomplete_details": {"reason": "max_output_tokens"}}),
    ("failed", {"error": {"code": "server_error", "message": "it broke"}}),
])
def test_usage_of_an_answer_that_did_not_end_well_counts(place, status, more):
    # Pitfall 74.
    pieces = [created(), *words(), event(f"response.{status}", response={
        "id": "resp_1", "object": "response", "model": "m", "status": status, "output": [],
        "usage": {"input_tokens": 7, "output_tokens": 5, "total_tokens": 12}, **more})]
    before = len(place.gate.records())
    body = streamed(place, OPENAI, pieces, RESPONSES)
    got = OPENAI.read_stream(body)
    assert got.text == "Hello there"
    assert got.finish == ("length" if status == "incomplete" else "")
    record = place.gate.wait_records(before + 1)[-1]
    assert (record["usage"]["input"], record["usage"]["output"]) == (7, 5), record


@pytest.mark.parametrize("document", [
    {"error": {"type": "server_error", "code": "overloaded", "message": "too busy",
               "param": None}},
    {"code": "overloaded", "message": "too busy", "param": None},
], ids=["nested", "flat"])
def test_an_error_inside_of_an_error_event_is_told(place, document):
    # Pitfall 76.
    pieces = [created(), *words(), event("error", sequence_number=3, **document)]
    for client in (OPENAI, ANTHROPIC):
        place.streams(pieces)
        assert "too busy" in failed(client, place.ask(client, RESPONSES, stream=True))
    place.streams([event("error", sequence_number=3, **document)])
    answer = place.ask(OPENAI, RESPONSES, stream=True)
    assert answer.status >= 500 and answer.json()["error"]["message"].endswith("too busy")


def test_what_a_provider_says_beside_its_answer_passes_to_its_own_clients(place):
    # Pitfall 182.
    gemini = WIRES["gemini"]
    ratings = [{"category": "HARM_CATEGORY_HATE_SPEECH", "probability": "NEGLIGIBLE"}]
    logprobs = {"topCandidates": [{"candidates": [{"token": "Hello", "logProbability": -0.5}]}],
                "chosenCandidates": [{"token": "Hello", "logProbability": -0.5}]}
    document = gemini.whole(HELLO)
    document["candidates"][0].update(safetyRatings=ratings, avgLogprobs=-0.25,
                                     logprobsResult=logprobs)
    document["promptFeedback"] = {"safetyRatings": ratings}
    place.answers(document)
    assert place.ask(gemini, gemini).json() == document
    place.streams([sse(document)])
    got = place.ask(gemini, gemini, stream=True)
    assert json.loads(sse_events(got.body)[0][1]) == document
