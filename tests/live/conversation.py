"""A conversation with a real model through the gateway, held by the official SDK.

Started by tests/live-model.sh, which names the server in LIVE_URL and LIVE_MODEL. The last line is
"N passed, N failed"."""

import os
import socket
import sys
import tempfile
import time
import traceback
from pathlib import Path

import openai

from support.gateway import Gateway

MODEL = os.environ.get("LIVE_MODEL", "local")


def route(name, handler):
    return f'''local s = require "headgate"
local live = s.target "live/{MODEL}"
return s.route {{
  path = "/v1/chat/completions",
  match = function(req) return req.model == "{name}" end,
  handler = {handler},
}}
'''


ROUTES = {
    "plain.lua": route("plain", "live"),
    "cached.lua": route("cached", 's.cached(live, { store = "memory", ttl = "10m" })'),
    "fallback.lua": route("fallback", f's.fallback {{ s.target "dead/{MODEL}", live }}'),
}
CACHE = 'cache "memory" { plugin = "memory", max_size = "16MB" }'


def closed_port():
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return listener.getsockname()[1]


class Talk:
    """What the tests share: the gateway and a client of it."""

    def __init__(self, folder):
        self.gate = Gateway(folder, {
            "live": {"base_url": os.environ["LIVE_URL"]},
            "dead": {"base_url": f"http://127.0.0.1:{closed_port()}/v1"},
        }, CACHE, ROUTES)
        self.client = openai.OpenAI(base_url=f"http://127.0.0.1:{self.gate.port}/v1",
                                    api_key="anything", timeout=120, max_retries=0)

    def whole(self, route_name, messages, **more):
        raw = self.client.chat.completions.with_raw_response.create(
            model=route_name, messages=messages, max_tokens=24, temperature=0, seed=1, **more)
        return raw.parse().choices[0].message.content, raw.headers

    def stream(self, route_name, messages):
        """The text, the headers, and the number of pieces that it came in."""
        raw = self.client.chat.completions.with_raw_response.create(
            model=route_name, messages=messages, max_tokens=24, temperature=0, seed=1, stream=True)
        pieces, finish, start = [], None, time.monotonic()
        for chunk in raw.parse():
            for choice in chunk.choices:
                if choice.delta.content:
                    pieces.append(choice.delta.content)
                finish = choice.finish_reason or finish
        assert finish in ("stop", "length"), finish
        text = "".join(pieces)
        print(f"    {len(pieces)} pieces in {time.monotonic() - start:.2f} s: {text!r}")
        return text, raw.headers, len(pieces)

    def record(self, headers):
        """The record of an answer."""
        name = headers["x-headgate-request-id"]
        for _ in range(500):
            for record in self.gate.records():
                if record["id"] == name:
                    return record
            time.sleep(0.02)
        raise AssertionError(f"no record of {name}")


def user(text):
    return {"role": "user", "content": text}


# ---- the tests


def a_whole_answer_comes_with_its_usage(talk):
    text, headers = talk.whole("plain", [user("Name a color.")])
    print(f"    {text!r}")
    record = talk.record(headers)
    assert text and record["usage"]["input"] > 0 and record["usage"]["output"] > 0, record


def a_conversation_of_two_turns_streams(talk):
    messages = [user("My name is Ada. Say hello to me.")]
    first, headers, pieces = talk.stream("plain", messages)
    assert first and pieces > 1
    messages += [{"role": "assistant", "content": first}, user("What is my name?")]
    second, headers, pieces = talk.stream("plain", messages)
    assert second and pieces > 1
    record = talk.record(headers)
    assert record["first_token_us"] > 0, record


def the_same_stream_again_comes_from_the_cache(talk):
    messages = [user("Tell me one thing about canals.")]
    first, headers, _ = talk.stream("cached", messages)
    assert headers["x-headgate-cache"] == "miss"
    start = time.monotonic()
    second, headers, _ = talk.stream("cached", messages)
    assert headers["x-headgate-cache"] == "hit"
    assert second == first and time.monotonic() - start < 1


def the_same_whole_answer_again_comes_from_the_cache(talk):
    messages = [user("Tell me one thing about rivers.")]
    first, headers = talk.whole("cached", messages)
    assert headers["x-headgate-cache"] == "miss"
    second, headers = talk.whole("cached", messages)
    assert headers["x-headgate-cache"] == "hit" and second == first


def a_dead_provider_is_left_for_the_live_one(talk):
    text, headers, _ = talk.stream("fallback", [user("Say hello.")])
    record = talk.record(headers)
    attempts = record["attempts"]
    assert text and len(attempts) == 2 and attempts[0]["target"].startswith("dead"), record
    assert [one["outcome"] == "ok" for one in attempts] == [False, True], record
    assert record["first_token_us"] > 0, record


def a_client_that_leaves_does_not_harm_the_next(talk):
    stream = talk.client.chat.completions.create(
        model="plain", messages=[user("Count to one hundred.")], max_tokens=400, stream=True)
    for _ in stream:
        stream.close()
        break
    text, _, _ = talk.stream("plain", [user("Say hello.")])
    assert text


TESTS = [a_whole_answer_comes_with_its_usage, a_conversation_of_two_turns_streams,
         the_same_stream_again_comes_from_the_cache,
         the_same_whole_answer_again_comes_from_the_cache,
         a_dead_provider_is_left_for_the_live_one, a_client_that_leaves_does_not_harm_the_next]


def main():
    failed = 0
    with tempfile.TemporaryDirectory() as folder:
        talk = Talk(Path(folder) / "gateway")
        try:
            for test in TESTS:
                print(test.__name__.replace("_", " "), flush=True)
                try:
                    test(talk)
                except Exception:
                    failed += 1
                    traceback.print_exc(file=sys.stdout)
        finally:
            status = talk.gate.stop()
        if status != 0 or "runtime error:" in talk.gate.output():
            failed += 1
            print(f"the gateway ended with {status}\n{talk.gate.output()}")
    print(f"{len(TESTS) - min(failed, len(TESTS))} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
