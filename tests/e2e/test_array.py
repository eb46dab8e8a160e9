"""Google's clients get a stream as one JSON array, unless they ask for events."""

import json
import threading

import pytest

from support.client import Connection, ask, request_bytes
from support.wires import SSE, Said, wires
from test_translation import Place

WIRES = {wire.name: wire for wire in wires()}
GEMINI = WIRES["gemini"]
SAID = Said("Hello, größe 😀 ", [("look", {"q": "a\nb"})], "tools", (9, 4))


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    one = Place(tmp_path_factory.mktemp("place"))
    yield one
    one.stop()


def asked(place, provider, query=""):
    path, body = GEMINI.asks("hi", True, f"{provider.name}/m")
    return ask(place.gate.port, "POST", path.split("?")[0] + query, body)


@pytest.mark.parametrize("provider", WIRES.values(), ids=WIRES)
def test_a_stream_comes_as_an_array(place, provider):
    place.streams(provider.stream(SAID), provider.stream_type)
    answer = asked(place, provider)
    assert answer.status == 200
    assert answer.header("content-type") == "application/json"
    events = answer.json()
    assert len(events) > 1
    got = GEMINI.read_stream(b"".join(b"data: " + json.dumps(one).encode() + b"\r\n\r\n"
                                      for one in events))
    assert (got.text, got.calls, got.finish, got.usage) == (
        SAID.text, SAID.calls, SAID.finish, SAID.usage)


@pytest.mark.parametrize("provider", WIRES.values(), ids=WIRES)
def test_events_come_if_they_are_asked_for(place, provider):
    place.streams(provider.stream(SAID), provider.stream_type)
    answer = asked(place, provider, "?alt=sse")
    assert answer.header("content-type").split(";")[0] == SSE
    assert answer.body.startswith(b"data: {")


@pytest.mark.parametrize("provider", [WIRES["openai_chat"], GEMINI], ids=["translated", "native"])
def test_a_stream_that_breaks_ends_the_array_with_an_error(place, provider):
    pieces = provider.stream(SAID)
    place.streams(pieces[:2], provider.stream_type, end=False)
    events = asked(place, provider).json()
    assert "error" in events[-1]
    assert not any("finishReason" in one for event in events[:-1]
                   for one in event.get("candidates", []))


def test_pieces_come_as_they_are_made(place):
    pieces = GEMINI.stream(SAID)
    seen = threading.Event()

    def handler(conn, request):
        conn.head(content_type=SSE)
        conn.chunk(pieces[0])
        assert seen.wait(30), "the first piece never came"
        for piece in pieces[1:]:
            conn.chunk(piece)
        conn.end_chunks()

    place.handler = handler
    path, body = GEMINI.asks("hi", True, "gemini/m")
    connection = Connection(place.gate.port)
    connection.send(request_bytes("POST", path.split("?")[0], body))
    came = b""
    while b"Hello" not in came:
        came += connection.sock.recv(4096)
    assert b"[{" in came
    seen.set()
    while b"]\n" not in came:
        came += connection.sock.recv(4096)
    connection.close()
