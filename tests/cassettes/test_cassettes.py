"""Recorded traffic of many providers through the gateway: the same dialect on both sides, so every
byte arrives as it was sent, however the network cuts it, but for what the gateway says it changes:

  * the model, which loses the name of the instance;
  * `stream_options.include_usage`, added to streams that do not ask for it themselves;
  * the chunk that holds nothing but usage, which those clients do not see;
  * [DONE] behind a stream that was finished without it.
"""

import json
import random
import re

import pytest

from support.client import Connection, ask, request_bytes
from support.fold import derived_of, fold, same
from support.gateway import Gateway
from support.shared import Tally, cassettes, response_bytes
from support.upstream import DONE, Upstream
from support.places import SHARED
from support.simulator import Simulator

ENDPOINTS = ("chat.completions", "completions", "embeddings", "models")
PATHS = {name: f"/v1/{name.replace('.', '/')}" for name in ENDPOINTS}
SPLITS = 50


def header_lines(cassette):
    lines = [f"HTTP/1.1 {cassette['response']['status']} Recorded"]
    lines += [f"{name}: {value}" for name, value in cassette["response"]["headers"].items()]
    return "\r\n".join(lines).encode("latin-1", "replace")


class Replay:
    """An upstream that sends the recording in hand, cut at places that the seed decides."""

    def __init__(self):
        self.cassette, self.random, self.sent = None, random.Random(0), None
        self.up = Upstream(self.answer)

    def answer(self, conn, request):
        self.sent = request
        body = response_bytes(self.cassette)
        chunked = self.cassette["response"]["is_stream"] or self.random.random() < 0.3
        head = header_lines(self.cassette)
        if chunked:
            data = head + b"\r\ntransfer-encoding: chunked\r\n\r\n" + self.chunks(body)
        else:
            data = head + b"\r\ncontent-length: %d\r\n\r\n" % len(body) + body
        for piece in self.pieces(data):
            conn.send(piece)

    def cuts(self, length, most):
        count = min(length, self.random.randint(0, most))
        inside = range(1, length)
        places = sorted(self.random.sample(inside, min(count, len(inside))))
        return zip([0, *places], [*places, length])

    def pieces(self, data):
        return [data[start:end] for start, end in self.cuts(len(data), 12)]

    def chunks(self, body):
        coded = b"".join(b"%x\r\n%s\r\n" % (end - start, body[start:end])
                         for start, end in self.cuts(len(body), 20) if end > start)
        return coded + b"0\r\n\r\n"


@pytest.fixture(scope="module")
def replay():
    one = Replay()
    yield one
    one.up.closing = True
    one.up.stop()


@pytest.fixture(scope="module")
def gate(replay, tmp_path_factory):
    one = Gateway(tmp_path_factory.mktemp("gateway"), {"up": replay.up.url})
    yield one
    status = one.stop()
    assert status == 0, one.output()


def asked_bytes(cassette):
    """The recorded request with the instance's name before the model, and the recorded bytes; None
    where the source has not kept a request or it names no model."""
    request = cassette["request"]
    if not request or request["method"].upper() != "POST" or not request.get("body"):
        return None
    body = request["body"].encode("utf-8", "surrogatepass")
    model = json.loads(body).get("model")
    if not isinstance(model, str):
        return None
    name = re.escape(json.dumps(model, ensure_ascii=False).encode()[1:-1])
    prefixed, count = re.subn(rb'("model"\s*:\s*")(' + name + rb'")', rb"\1up/\2", body, count=1)
    if not count or json.loads(prefixed)["model"] != f"up/{model}":
        return None
    return prefixed, body


def expected_request(body):
    """What the provider has to get: the recorded bytes, and the wish for usage in streams."""
    document = json.loads(body)
    if document.get("stream") is True:
        options = document.get("stream_options") or {}
        document["stream_options"] = {**options, "include_usage": True}
    return document


def events_of(body):
    """The events with their bytes; what follows the last blank line is one more."""
    parts = re.split(rb"(?<=\n\n)|(?<=\r\n\r\n)|(?<=\r\r)", body)
    return [part for part in parts if part]


def is_usage_only(event):
    data = b"".join(line[5:].strip() for line in event.splitlines() if line.startswith(b"data:"))
    try:
        chunk = json.loads(data)
    except ValueError:
        return False
    return isinstance(chunk, dict) and chunk.get("choices") == [] and bool(chunk.get("usage"))


def expected_stream(cassette, asked):
    wants = (json.loads(asked).get("stream_options") or {}).get("include_usage") is True
    events = events_of(response_bytes(cassette))
    return b"".join(event for event in events if wants or not is_usage_only(event))


def with_end(body):
    """A stream whose last event lacks its blank line may get it."""
    is_whole = body.endswith((b"\n\n", b"\r\n\r\n")) or not body
    return body if is_whole else body.rstrip(b"\r\n") + b"\n\n"


def check_answer(tally, cassette, asked, answer, name, kinds):
    status, body = cassette["response"]["status"], response_bytes(cassette)
    tally.check(name, answer.complete, "the answer breaks off")
    if status >= 400:
        tally.check(name, answer.status == status or answer.status in (401, 429, 502),
                    f"{answer.status} in place of {status}")
        tally.check(name, "message" in json.dumps(answer.json()), "no message")
        kinds["error"] = kinds.get("error", 0) + 1
        return
    if not cassette["response"]["is_stream"]:
        if "error" in json.loads(body) and answer.status >= 400:
            kinds["error in a 200"] = kinds.get("error in a 200", 0) + 1
            return
        tally.check(name, answer.status == 200, f"{answer.status} {answer.body[:200]!r}")
        tally.check(name, answer.body == body, "not the same bytes")
        kinds["whole"] = kinds.get("whole", 0) + 1
        return
    wanted = expected_stream(cassette, asked)
    tally.check(name, answer.status == 200, f"{answer.status} {answer.body[:200]!r}")
    rest = next((answer.body[len(start):] for start in (wanted, with_end(wanted))
                 if answer.body.startswith(start) and answer.body[len(start):] in (b"", DONE)
                 or answer.body.startswith(start) and b'"error"' in answer.body[len(start):]), None)
    tally.check(name, rest is not None, f"not the same bytes: ends {answer.body[-200:]!r}, "
                f"wanted {wanted[-200:]!r}")
    kinds_of_rest = {None: "stream", b"": "stream", DONE: "stream, [DONE] added"}
    kind = kinds_of_rest.get(rest, "stream, error added")
    kinds[kind] = kinds.get(kind, 0) + 1
    if kind == "stream, error added":
        kinds.setdefault("with error", set()).add(cassette["id"])


def check_derived(tally, cassette, answer, counts):
    """The oracle is compared where this file's own reader agrees with it about the recording."""
    is_stream = cassette["response"]["is_stream"]
    known = derived_of(cassette)
    if not known or answer.status != 200:
        return
    original = fold(response_bytes(cassette), is_stream)
    agreed = {key: value for key, value in known.items() if not same({key: value}, original)}
    said = fold(answer.body, is_stream)
    if is_stream and said["usage"] is None:
        agreed.pop("usage", None)  # hidden from a client who did not ask
    counts["compared"] += len(agreed)
    counts["known"] += len(known)
    tally.check(cassette["id"], not same(agreed, said), f"differs in {same(agreed, said)}")


@pytest.mark.seconds(900)
def test_every_exchange_arrives_as_it_was_recorded_however_it_is_cut(gate, replay):
    tally, kinds, counts = Tally("recorded exchanges"), {}, {"compared": 0, "known": 0}
    left_out, exchanges = [], 0
    with Connection(gate.port, timeout=30) as first:
        client = first
        for cassette in cassettes(*ENDPOINTS):
            asked = asked_bytes(cassette)
            if cassette["endpoint"] == "models" or not asked:
                left_out.append(cassette["id"])
                continue
            exchanges += 1
            replay.cassette = cassette
            request = request_bytes("POST", PATHS[cassette["endpoint"]], asked[0])
            for seed in range(SPLITS):
                replay.random.seed(f"{cassette['id']} {seed}")
                client.send(request)
                answer = client.read_response()
                name = f"{cassette['id']} seed {seed}"
                check_answer(tally, cassette, asked[1], answer, name, kinds)
                client.received = b""
                if (answer.header("connection") or "") == "close":
                    client = Connection(gate.port, timeout=30)
                if seed == 0:
                    check_derived(tally, cassette, answer, counts)
                    check_sent(tally, replay.sent, asked[1], name)
    print(f"{exchanges} exchanges x {SPLITS} cuts; {len(left_out)} left out: no request or no "
          f"model in it; {kinds}; {counts['compared']} of {counts['known']} derived values "
          "compared")
    assert gate.is_running
    tally.done(1000)


def check_sent(tally, sent, recorded, name):
    streams = json.loads(recorded).get("stream") is True
    if not streams:
        tally.check(name, sent.body == recorded, "the provider got other bytes")
        return
    tally.check(name, sent.json() == expected_request(recorded),
                "the provider got another document")
    wishes = rb',?\s*"stream_options"\s*:\s*\{[^{}]*\}|,?\s*"include_usage"\s*:\s*(true|false)'
    tally.check(name, re.sub(wishes, b"", sent.body) == re.sub(wishes, b"", recorded),
                "the provider got other bytes beside stream_options")


@pytest.mark.seconds(200)
def test_the_simulator_replays_every_exchange_byte_for_byte(tmp_path):
    found = cassettes()
    sim = Simulator(tmp_path, "--replay", SHARED / "cassettes", "--split", "random:1")
    tally = Tally("replayed exchanges")
    try:
        for cassette in found:
            request, response = cassette["request"], cassette["response"]
            by_id = {"x-simulate-cassette": cassette["id"]}
            path = PATHS.get(cassette["endpoint"], "/v1/messages")
            answer = ask(sim.port, "POST", path, b"{}", by_id)
            tally.check(cassette["id"], answer.status == response["status"], f"{answer.status}")
            tally.check(cassette["id"], answer.body == response_bytes(cassette), "other bytes")
            if request and request.get("body") and request.get("url"):
                path = "/" + request["url"].split("://")[1].partition("/")[2].split("#")[0]
                answer = ask(sim.port, request["method"].upper(), path, request["body"].encode())
                tally.check(cassette["id"], b"no_recording" not in answer.body, "not found again")
    finally:
        assert sim.stop() == 0
    tally.done(600)


@pytest.mark.seconds(200)
def test_the_gateway_and_the_simulator_replay_together(tmp_path):
    found = cassettes(*ENDPOINTS)
    sim = Simulator(tmp_path, "--replay", SHARED / "cassettes")
    gate = Gateway(tmp_path / "gateway", {"up": sim.url})
    tally, kinds = Tally("exchanges through gateway and simulator"), {}
    answers = {}
    try:
        for cassette in found:
            asked = asked_bytes(cassette)
            if not asked or cassette["endpoint"] == "models":
                continue
            # Several recordings may hold the same request: one of them answers.
            key = (cassette["endpoint"], json.dumps(json.loads(asked[1]), sort_keys=True))
            answers.setdefault(key, []).append(cassette)
        for (endpoint, _), same_request in answers.items():
            asked = asked_bytes(same_request[0])
            answer = ask(gate.port, "POST", PATHS[endpoint], asked[0])
            trial = [Tally("one") for _ in same_request]
            for one, cassette in zip(trial, same_request):
                check_answer(one, cassette, asked[1], answer, cassette["id"], kinds)
            tally.check(same_request[0]["id"], any(not one.failures for one in trial),
                        trial[0].failures)
    finally:
        status = gate.stop()
        sim.stop()
    assert status == 0, gate.output()
    tally.done(100)
