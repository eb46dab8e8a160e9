"""Requests that two readers might understand differently.

After each payload a plain request follows on the same connection. Either it is answered as itself,
or the connection is closed; a gateway that sees other borders than the sender answers something
else."""

import pytest

from support.client import Connection, Gone, request_bytes
from support.shared import Tally, payload, rows

CHAT = "/v1/chat/completions"


class Outcome:
    def __init__(self):
        self.answers, self.closed, self.broken = [], False, ""

    @property
    def first(self):
        return self.answers[0].status if self.answers else None

    def texts(self):
        return [answer.body.decode("utf-8", "replace") for answer in self.answers]


def marker_request(marker):
    return request_bytes("POST", CHAT, {"model": "up/m", "user": marker, "messages": [
        {"role": "user", "content": "x"}]}, host="localhost")


def send(port, data, marker, quiet=0.3):
    """Sends it and the marker, and reads until the marker is answered, the end, or silence."""
    outcome = Outcome()
    with Connection(port, timeout=20) as client:
        try:
            client.send(data + (marker_request(marker) if marker else b""))
        except OSError:
            pass
        while True:
            if not client.buffer and client.is_closed(quiet) or not client.buffer:
                outcome.closed = client.is_closed(0.001)
                break
            try:
                answer = client.read_response()
            except (Gone, ValueError, IndexError) as failure:
                outcome.closed = True
                if client.buffer or getattr(failure, "so_far", b""):
                    outcome.broken = repr(failure)
                break
            outcome.answers.append(answer)
            if not answer.complete:
                outcome.broken = "an answer that breaks off"
            if marker and marker in outcome.texts()[-1]:
                break
    return outcome


def is_refusal(outcome):
    refusals = (400, 405, 408, 411, 413, 414, 421, 426, 431, 501, 505)
    return bool(outcome.answers) and outcome.closed and outcome.answers[-1].status in refusals


def check_borders(tally, name, outcome, marker):
    """What must hold whatever the payload was."""
    tally.check(name, not outcome.broken, f"a broken answer: {outcome.broken}")
    seen = [text for text in outcome.texts() if marker in text]
    tally.check(name, len(seen) <= 1, "the second request was answered twice")
    if seen:
        tally.check(name, outcome.answers[-1].status == 200 and
                    outcome.answers[-1].json()["choices"][0]["message"]["content"] == marker,
                    "the second request was not answered as itself")
    for answer in outcome.answers:
        tally.check(name, answer.header("set-cookie") is None, "an injected header")


def was_answered(outcome, marker):
    return any(marker in text for text in outcome.texts())


def upstream_is_clean(tally, pair, name, marker, before):
    for request in pair.up.requests[before:]:
        try:
            user = request.json().get("user")
        except ValueError:
            user = "no JSON"
        known = request.target == CHAT and user in (None, marker) or request.target == "/v1/models"
        tally.check(name, known,
                    f"the provider was asked {request.method} {request.target} ({user})")


# Where the RFC leaves a choice and we have made one.
OUR_CHOICE = {
    # Two readers might differ, so it is no request.
    "reject_or_lf_ends_line": "reject",
    "reject_or_replace": "reject",
    "reject_or_unfold": "reject",
    "reject_or_drop_line": "reject",
    "reject_or_te_then_close": "reject",
    "leading-crlf": "reject",  # "at least one" empty line is ignored: one, and these are two
}


@pytest.mark.seconds(300)
def test_no_request_is_smuggled(pair):
    tally = Tally("smuggling payloads")
    for number, row in enumerate(rows("http/smuggling.jsonl")):
        marker, name = f"marker-{number}-m", row["name"]
        expect = OUR_CHOICE.get(name) or OUR_CHOICE.get(row["expect"], row["expect"])
        before = len(pair.up.requests)
        if expect == "incomplete":
            outcome = send(pair.port, payload(row), None, 0.1)
            tally.check(name, not outcome.answers or is_refusal(outcome), "answered too early")
            continue
        outcome = send(pair.port, payload(row), marker)
        check_borders(tally, name, outcome, marker)
        upstream_is_clean(tally, pair, name, marker, before)
        answered = was_answered(outcome, marker)
        if expect == "reject":
            tally.check(name, is_refusal(outcome) and not answered,
                        f"not refused: {outcome.first}, closed {outcome.closed}: {row['why']}")
        elif expect in ("accept", "cl_framing"):
            tally.check(name, outcome.answers and answered, f"not accepted: {outcome.first}, "
                        f"{[t[:80] for t in outcome.texts()]}: {row['why']}")
        elif expect == "no_header_injection":
            tally.check(name, outcome.answers, "no answer")
        elif expect == "reject_or_incomplete":
            tally.check(name, is_refusal(outcome) or not outcome.answers, "answered")
        else:
            tally.check(name, is_refusal(outcome) or answered or outcome.closed,
                        f"neither refused nor clear: {outcome.first}: {row['why']}")
    assert pair.is_unharmed()
    tally.done(200)


@pytest.mark.seconds(300)
@pytest.mark.parametrize("name", ["llhttp", "httparse"])
def test_heads_are_refused_where_a_strict_parser_refuses_them(pair, name):
    tally = Tally(f"{name} requests")
    for number, row in enumerate(rows(f"http/{name}.jsonl")):
        if row["kind"] not in ("request", "url"):
            continue
        data = payload(row)
        if row["kind"] == "url":
            data = b"GET " + data + b" HTTP/1.1\r\nHost: localhost\r\n\r\n"
        marker = f"marker-{name}-{number}-m"
        before = len(pair.up.requests)
        outcome = send(pair.port, data, marker, 0.1)
        check_borders(tally, row["name"], outcome, marker)
        upstream_is_clean(tally, pair, row["name"], marker, before)
        if row["expect"] == "reject":
            tally.check(row["name"], not was_answered(outcome, marker),
                        f"accepted, then went on: {data[:120]!r}")
    assert pair.is_unharmed()
    tally.done(60)


@pytest.mark.seconds(200)
def test_answers_of_an_upstream_that_are_odd_become_whole_answers_of_ours(pair):
    from support.client import chat

    tally = Tally("llhttp and httparse responses")
    for name in ("llhttp", "httparse"):
        for row in rows(f"http/{name}.jsonl"):
            if row["kind"] != "response":
                continue
            data = payload(row)

            def handler(conn, request, data=data):
                conn.send(data)
                conn.close()

            pair.handler = handler
            answer = chat(pair.port)
            is_error = answer.status >= 400 and b'"message"' in answer.body
            # A 204 passes as what it is: it claims no content.
            tally.check(row["name"], answer.complete and (is_error or answer.status == 204),
                        f"{answer.status} {answer.body[:80]!r} for {data[:120]!r}")
    assert pair.is_unharmed()
    tally.done(50)


@pytest.mark.seconds(200)
def test_every_prefix_of_a_request_is_survived(pair):
    whole = marker_request("prefix")
    for at in range(1, len(whole)):
        with Connection(pair.port) as client:
            client.send(whole[:at])
            if at % 2:
                client.reset()
    assert pair.is_unharmed()
