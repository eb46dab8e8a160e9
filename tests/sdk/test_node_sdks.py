"""The official Node SDKs, LangChain and Vercel's AI SDK above them, unchanged but for their base
URL, with a provider of each format behind the gateway. What they do is in node_sdks.cjs."""

import dataclasses
import json
import os
import shutil
import subprocess
from pathlib import Path

import pytest
import scenarios
from results import LIMITS, Results

from support.place import WIRES, Place
from support.wait import PATIENCE
from support.wires import Said

CLIENT = Path(__file__).parent / "node_sdks.cjs"
AI = "Vercel AI on "

results = Results()


def by_status(other, **more):
    return {status: more.get(f"_{status}", other) for status in (*scenarios.STATUSES, 0)}


OPENAI = by_status("InternalServerError", _400="BadRequestError", _404="NotFoundError",
                   _429="RateLimitError", _0="APIError")
AI_ERRORS = by_status("APICallError", _0=None)

# Its title, and the exception of each status; 0 is a stream that fails, None whatever is thrown.
SDKS = {
    "openai": ("openai, chat", OPENAI),
    "openai-responses": ("openai, Responses", OPENAI),
    "@anthropic-ai/sdk": ("anthropic", OPENAI),
    "@google/genai": ("google-genai", by_status("ApiError")),
    "@aws-sdk/client-bedrock-runtime": ("aws-sdk, bedrock-runtime", by_status(
        "InternalServerException", _400="ValidationException", _404="ResourceNotFoundException",
        _429="ThrottlingException", _503="ServiceUnavailableException",
        _0="ModelStreamErrorException")),
    "cohere-ai": ("cohere", by_status(
        "CohereError", _400="BadRequestError", _404="NotFoundError", _429="TooManyRequestsError",
        _500="InternalServerError", _503="ServiceUnavailableError")),
    "@mistralai/mistralai": ("mistralai", by_status("SDKError", _0=None)),
    "@langchain/openai": ("LangChain on openai", OPENAI),
    "@ai-sdk/openai": (AI + "openai, Responses", AI_ERRORS),
    "@ai-sdk/openai-compatible": (AI + "openai, chat", AI_ERRORS),
    "@ai-sdk/anthropic": (AI + "anthropic", AI_ERRORS),
    "@ai-sdk/google": (AI + "google", AI_ERRORS),
    "@ai-sdk/amazon-bedrock": (AI + "bedrock", AI_ERRORS),
    "@ai-sdk/cohere": (AI + "cohere", AI_ERRORS),
}
SHOWS_NO_USAGE = ("@mistralai/mistralai",)  # of streams, because it does not ask for it


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    one = Place(tmp_path_factory.mktemp("place"))
    one.handler = scenarios.Script(WIRES)
    yield one
    one.stop()


def is_there(package):
    paths = [Path(path) for path in os.environ.get("NODE_PATH", "").split(os.pathsep) if path]
    return shutil.which("node") and any((path / package).is_dir() for path in paths)


def surroundings():
    keep = ("PATH", "HOME", "NODE_PATH", "LC_ALL", "TMPDIR")
    return {name: os.environ[name] for name in keep if name in os.environ}


@pytest.fixture(scope="module", params=SDKS)
def sdk(request, place):
    """(name, what it said of each provider and scenario)"""
    name = request.param
    if not is_there(name.removesuffix("-responses")):
        pytest.skip(f"{name} is not installed: tests/sdk/package.json, NODE_PATH")
    plan = {"port": place.gate.port, "providers": [wire.name for wire in WIRES],
            "names": scenarios.NAMES, "tools": scenarios.TOOLS, "schema": scenarios.SCHEMA,
            "result": scenarios.RESULT, "uses_tools": scenarios.USES_TOOLS}
    run = subprocess.run(["node", CLIENT, name], input=json.dumps(plan), capture_output=True,
                         text=True, env=surroundings(), timeout=50 * PATIENCE)
    assert run.returncode == 0, run.stderr
    lines = [json.loads(line) for line in run.stdout.splitlines()]
    return name, {(line["provider"], line["name"]): line for line in lines}


def check(name, scenario, got):
    if scenario.startswith(("error_", "broken_")):
        stream = scenario.endswith("_stream")
        status = 0 if stream else int(scenario.removeprefix("error_"))
        assert "error" in got, got
        want = SDKS[name][1][status]
        assert want is None or want in got["error"], got
        assert stream or (got["status"], scenarios.why(status) in got["message"]) == (status, True)
        return
    assert "error" not in got, got
    if scenario == "schema":
        assert json.loads(got["text"]) == scenarios.LEVEL
        return
    want = scenarios.expected(scenario)
    if scenario.endswith("_stream") and name in SHOWS_NO_USAGE:
        want = dataclasses.replace(want, usage=())
    assert Said(got["text"], [tuple(call) for call in got["calls"]], got["finish"],
                tuple(got["usage"])) == want


@pytest.mark.parametrize("scenario", scenarios.NAMES)
@pytest.mark.parametrize("wire", WIRES, ids=lambda wire: wire.name)
def test_the_sdk_gets_what_the_provider_says(sdk, wire, scenario):
    name, got = sdk
    title = SDKS[name][0]
    if LIMITS.apply(title, wire.name, scenario):
        assert "error" in got[wire.name, scenario], "it can: tell so in results.py"
        results.add(title, "Node", wire.name, scenario, None)
        return
    with results.of(title, "Node", wire.name, scenario):
        check(name, scenario, got[wire.name, scenario])
