"""A client of each format, a provider of each format, and the gateway between them."""

import json

import pytest

from support.client import Connection, ask, request_bytes
from support.place import WIRES, Place
from support.wires import AWS, JSON, SSE, Said, compact

NAMES = [wire.name for wire in WIRES]
HELLO = Said("Hello there, größe 😀\n\"x\" ", [], "stop", (7, 5))
CALLS = Said("", [("get_time", {"zone": "Zürich", "n": [1, {"a": None}]}), ("get_date", {})],
             "tools", (9, 4))
BOTH = Said("Let me see. ", [("look", {"q": "a\nb"})], "tools", (9, 4))
CUT = Said("Hello and", [], "length", (7, 2))


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    one = Place(tmp_path_factory.mktemp("place"))
    yield one
    one.stop()


pairs = pytest.mark.parametrize("provider", WIRES, ids=NAMES)
clients = pytest.mark.parametrize("client", WIRES, ids=[f"for_{name}" for name in NAMES])
translated = pytest.mark.parametrize(
    "client, provider",
    [pytest.param(client, provider, id=f"for_{client.name}-{provider.name}")
     for client in WIRES for provider in WIRES if client is not provider])


def same(got, want):
    assert got.error == ""
    assert got.text == want.text
    assert got.calls == want.calls
    assert got.finish == want.finish
    assert got.usage == want.usage


# ---- answers


@pairs
@clients
@pytest.mark.parametrize("said", [HELLO, CALLS, BOTH, CUT], ids=["text", "calls", "both", "cut"])
def test_an_answer_says_the_same(place, client, provider, said):
    place.answers(provider.whole(said))
    answer = place.ask(client, provider)
    assert answer.status == 200, answer.body
    assert answer.header("content-type") == JSON
    same(client.read(answer.json()), said)


@pairs
@clients
@pytest.mark.parametrize("said", [HELLO, CALLS, BOTH, CUT], ids=["text", "calls", "both", "cut"])
def test_a_stream_says_the_same(place, client, provider, said):
    place.streams(provider.stream(said), provider.stream_type)
    answer = place.ask(client, provider, stream=True)
    assert answer.status == 200, answer.body
    assert answer.header("content-type").split(";")[0] == client.stream_type
    got = client.read_stream(answer.body)
    same(got, said)
    assert got.done


@translated
def test_a_whole_answer_to_who_asked_for_a_stream(place, client, provider):
    place.answers(provider.whole(BOTH))
    answer = place.ask(client, provider, stream=True)
    assert answer.status == 200, answer.body
    same(client.read_stream(answer.body), BOTH)


@clients
def test_its_own_format_passes_byte_for_byte(place, client):
    # Pitfall 119.
    body = json.dumps(client.whole(HELLO), indent=1).encode()
    place.answers(body)
    assert place.ask(client, client).body == body
    pieces = client.stream(HELLO)
    place.streams(pieces, client.stream_type)
    assert place.ask(client, client, stream=True).body == b"".join(pieces)


@pairs
@clients
def test_what_the_client_asks_arrives(place, client, provider):
    place.answers(provider.whole(HELLO))
    words = 'größe 😀 "q" \\ end'
    assert place.ask(client, provider, words).status == 200
    sent = compact(place.sent())
    assert compact(words)[1:-1] in sent
    if provider.name not in ("gemini", "converse"):  # they have the model in the path
        assert place.sent()["model"] == "m"


# ---- what is lost


def others():
    return [wire for wire in WIRES if wire.name not in ("openai_chat",)]


lossy = pytest.mark.parametrize("provider", others(), ids=[wire.name for wire in others()])
openai = WIRES[NAMES.index("openai_chat")]


def loses(body):
    body["logit_bias"] = {"1": 2}


@lossy
def test_what_cannot_be_said_is_told(place, provider):
    place.answers(provider.whole(HELLO))
    assert place.ask(openai, provider).header("x-headgate-lost") is None
    answer = place.ask(openai, provider, change=loses)
    assert answer.status == 200
    assert "logit_bias" in answer.header("x-headgate-lost")
    assert "logit_bias" not in place.sent()


@lossy
def test_who_insists_gets_an_error_instead(place, provider):
    place.answers(provider.whole(HELLO))
    before = len(place.upstream.requests)
    answer = place.ask(openai, provider, change=loses, headers=[("x-headgate-strict", "true")])
    assert answer.status == 400
    assert "logit_bias" in openai.read_error(answer.json())
    assert len(place.upstream.requests) == before
    answer = place.ask(openai, provider, headers=[("x-headgate-strict", "true")])
    assert answer.status == 200


def shell_tool(body):
    """A tool that only OpenAI runs, as agents send it beside their own."""
    body["tools"] = [{"type": "local_shell"}]


@pytest.mark.parametrize("provider", [wire for wire in WIRES if wire.name != "openai_responses"],
                         ids=[name for name in NAMES if name != "openai_responses"])
def test_a_tool_that_only_another_provider_runs_is_left_out_and_told(place, provider):
    # Pitfall 97.
    client = WIRES[NAMES.index("openai_responses")]
    place.answers(provider.whole(HELLO))
    answer = place.ask(client, provider, change=shell_tool)
    assert answer.status == 200, answer.body
    assert answer.header("x-headgate-lost") == "tools.local_shell"
    assert "tool" not in compact(place.sent())
    before = len(place.upstream.requests)
    for headers, choice in (([("x-headgate-strict", "true")], "auto"),
                            ([], {"type": "local_shell"})):
        def change(body, choice=choice):
            shell_tool(body)
            body["tool_choice"] = choice

        answer = place.ask(client, provider, change=change, headers=headers)
        assert answer.status == 400
        assert "local_shell" in client.read_error(answer.json())
    assert len(place.upstream.requests) == before


# ---- errors


@pairs
@clients
@pytest.mark.parametrize("status", [400, 401, 403, 404, 429, 500, 503])
def test_an_error_has_the_clients_shape(place, client, provider, status):
    place.answers(provider.error(status, f"this is why {status}"), status)
    for stream in (False, True):
        answer = place.ask(client, provider, stream=stream)
        if status in (401, 403):  # the gateway's own credentials, or the client's: not a success
            assert answer.status >= 400
        else:
            assert answer.status == status, answer.body
        assert answer.header("content-type") == JSON
        message = client.read_error(answer.json())
        assert f"this is why {status}" in message or status in (401, 403), message


@pairs
@clients
def test_a_first_event_that_is_an_error_has_a_status(place, client, provider):
    # Pitfall 41.
    place.streams([provider.error_event("too busy")], provider.stream_type)
    answer = place.ask(client, provider, stream=True)
    assert answer.status >= 400, answer.body
    assert "too busy" in client.read_error(answer.json())


def failed(client, answer, text="Hello "):
    assert answer.status == 200
    got = client.read_stream(answer.body)
    assert got.text.startswith(text)
    assert got.error and not got.done and not got.finish, answer.body
    return got.error


def begun(provider):
    """The pieces of a stream up to the first word."""
    pieces, before = provider.stream(HELLO), []
    for piece in pieces:
        before.append(piece)
        if b"Hello" in piece:
            return before
    raise AssertionError


@translated
def test_an_error_event_ends_a_stream_as_a_failure(place, client, provider):
    # Pitfalls 12 and 40.
    place.streams([*begun(provider), provider.error_event("it broke")], provider.stream_type)
    assert "it broke" in failed(client, place.ask(client, provider, stream=True))


@pairs
@clients
def test_a_stream_that_is_cut_off_is_a_failure(place, client, provider):
    # Pitfall 38.
    place.streams(begun(provider), provider.stream_type, end=False)
    failed(client, place.ask(client, provider, stream=True))


@pairs
@clients
def test_a_stream_that_ends_without_its_finish_is_a_failure(place, client, provider):
    # Pitfall 37.
    place.streams(begun(provider), provider.stream_type)
    failed(client, place.ask(client, provider, stream=True))


@translated
@pytest.mark.parametrize("content_type", [JSON, SSE, AWS, "text/html", "text/plain"])
@pytest.mark.parametrize("body", [b"<html><body>Sign in</body></html>", b"", b"{\"a\":", b"\xff\x00",
                                  b"data: garbage\n\n", b"{}", b"[]", b"null", b"{\"x\":{}}"])
def test_what_is_no_answer_is_an_error(place, client, provider, content_type, body):
    # Pitfall 160.
    place.answers(body, content_type=content_type)
    for stream in (False, True):
        answer = place.ask(client, provider, stream=stream)
        assert answer.status == 502, answer.body
        assert client.read_error(answer.json())


def test_a_request_that_makes_no_sense_is_refused(place):
    for client in WIRES:
        for provider in WIRES:
            if client is provider:
                continue
            path, body = client.asks("hi", False, f"{provider.name}/m")
            key = "input" if client.name == "openai_responses" else (
                "contents" if client.name == "gemini" else "messages")
            answer = ask(place.gate.port, "POST", path, {**body, key: 5})
            assert answer.status == 400, (client.name, provider.name, answer.body)
            assert client.read_error(answer.json())


def test_a_slow_stream_arrives_as_it_comes(place):
    # Pitfall 47.
    import threading

    for client in WIRES:
        for provider in WIRES:
            if client is provider:
                continue
            go = threading.Event()
            pieces = provider.stream(HELLO)
            first = begun(provider)

            def handler(conn, request, pieces=pieces, first=first, go=go, provider=provider):
                conn.head(content_type=provider.stream_type)
                for piece in first:
                    conn.chunk(piece)
                assert go.wait(20)
                for piece in pieces[len(first):]:
                    conn.chunk(piece)
                conn.end_chunks()

            place.handler = handler
            path, body = client.asks("hi", True, f"{provider.name}/m")
            with Connection(place.gate.port, timeout=20) as connection:
                connection.send(request_bytes("POST", path, body))
                while b"Hello" not in connection.received:
                    connection.received += connection.sock.recv(65536)
                go.set()
