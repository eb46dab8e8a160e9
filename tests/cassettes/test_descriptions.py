"""Recorded requests of every format, translated for OpenAI, Anthropic and Amazon, and checked by the
simulator against what these have published."""

import json
import re
from urllib.parse import quote

import pytest

from support.client import ask
from support.gateway import Gateway
from support.places import SHARED
from support.shared import Tally, cassettes
from support.simulator import Simulator

PATHS = {"chat.completions": "/v1/chat/completions", "messages": "/v1/messages",
         "responses": "/v1/responses", "chat": "/v2/chat"}
MODELS = {"openai": "gpt-4o", "anthropic": "claude-sonnet-4-5",
          "bedrock": "us.anthropic.claude-haiku-4-5-20251001-v1:0"}
NATIVE = {"chat.completions": "openai", "messages": "anthropic", "converse": "bedrock",
          "converse-stream": "bedrock"}
# Its numbers are made up, and were accepted where they were sent.
UNLIKE = {"anthropic/003-messages-messages-post-a0f05e2e"}
# What no format knows travels as it is.
TRAVELLER = re.compile(r"^\w+: is not known here$")


def asked(cassette, model):
    """(path, document) for a client that wants this model; None for what is no such request."""
    endpoint, request = cassette["endpoint"], cassette["request"]
    if not request or not request.get("body") or cassette["response"]["status"] >= 400:
        return None
    if endpoint == "chat" and "/v2/" not in request["url"]:
        return None
    document = json.loads(request["body"])
    if endpoint in PATHS:
        return PATHS[endpoint], document | {"model": model}
    if endpoint.startswith("converse"):
        return f"/model/{quote(model, safe='')}/{endpoint}", document
    return f"/v1beta/models/{model}:{endpoint}", document


def message_of(answer):
    document = answer.json()
    document = document[0] if isinstance(document, list) else document
    error = document.get("error") or document
    return error["message"]


@pytest.mark.seconds(200)
def test_translated_requests_are_as_the_descriptions_want_them(tmp_path):
    if not (SHARED / "specs").is_dir():
        pytest.skip(f"no descriptions: {SHARED / 'specs'} is missing")
    sim = Simulator(tmp_path, "--spec", SHARED / "specs")
    base = f"http://127.0.0.1:{sim.port}"
    gate = Gateway(tmp_path / "gateway", {
        "openai": {"plugin": "openai", "base_url": f"{base}/v1"},
        "anthropic": {"plugin": "anthropic", "base_url": f"{base}/v1"},
        "bedrock": {"plugin": "bedrock", "region": "us-east-1", "base_url": base},
    })
    tally, refused = Tally("translated requests"), 0
    try:
        for cassette in cassettes(*PATHS, "converse", "converse-stream", "generateContent",
                                  "streamGenerateContent"):
            for name, model in MODELS.items():
                wanted = asked(cassette, f"{name}/{model}")
                if not wanted or NATIVE.get(cassette["endpoint"]) == name:
                    continue
                answer = ask(gate.port, "POST", *wanted)
                if answer.status == 200 or cassette["id"] in UNLIKE:
                    tally.check(cassette["id"], True)
                    continue
                reason = message_of(answer)
                own = reason.startswith(f"{name}: ")
                refused += own
                tally.check(f"{cassette['id']} for {name}", own or TRAVELLER.match(reason), reason)
    finally:
        status = gate.stop()
        sim.stop()
    assert status == 0, gate.output()
    assert refused < 30, f"the gateway itself refused {refused}"
    tally.done(350)
