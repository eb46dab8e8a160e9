"""The official Node SDK, unchanged but for its base URL. What it does is in node_client.cjs."""

import json
import os
import shutil
import subprocess
from pathlib import Path

import pytest

from support.wait import PATIENCE

CLIENT = Path(__file__).parent / "node_client.cjs"


def has_sdk():
    paths = [Path(path) for path in os.environ.get("NODE_PATH", "").split(os.pathsep) if path]
    return shutil.which("node") and any((path / "openai").is_dir() for path in paths)


pytestmark = pytest.mark.skipif(
    not has_sdk(), reason="node or its SDK is not installed: tests/sdk/package.json, NODE_PATH")


@pytest.fixture
def run(stand):
    def one(scenario):
        result = subprocess.run(["node", CLIENT, stand.url, scenario], capture_output=True,
                                text=True, timeout=40 * PATIENCE)
        assert result.returncode == 0, result.stderr
        return json.loads(result.stdout)

    return one


def test_a_chat_is_answered(run):
    answer = run("chat")
    assert answer["text"] == "Good day"
    assert answer["usage"]["total_tokens"] > 0


def test_a_stream_is_read(run):
    answer = run("stream")
    assert (answer["text"], answer["finish"], answer["usage"]) == ("one two three", "stop", None)


def test_usage_of_a_stream_comes_when_it_is_asked_for(run):
    assert run("usage")["usage"]["completion_tokens"] > 0


def test_the_streaming_helper_puts_the_answer_together(run):
    assert run("helper")["text"] == "a b"


def test_tools_are_called(run):
    answer = run("tools")
    assert (answer["name"], answer["finish"]) == ("weather", "tool_calls")
    assert answer["arguments"].keys() == answer["streamed"].keys() == {"city", "unit"}


def test_embeddings_are_the_same_as_numbers_and_as_base64(run):
    answer = run("embeddings")
    for one, other in zip(answer["one"], answer["other"]):
        assert one == pytest.approx(other, rel=1e-5)


def test_models_are_listed(run):
    assert any("gpt-4o" in name for name in run("models")["names"])


def test_errors_raise_the_exception_of_their_status(run):
    seen = run("errors")
    names = {"400": "BadRequestError", "404": "NotFoundError", "429": "RateLimitError",
             "500": "InternalServerError", "503": "InternalServerError"}
    assert {status: error["name"] for status, error in seen.items()} == names
    assert all("because" in error["text"] for error in seen.values())


def test_broken_streams_raise(run):
    assert run("broken")["raised"] == [True, True]


def test_many_calls_at_once(run):
    assert run("together")["texts"] == [f"n{i} m" for i in range(20)]


def test_an_aborted_stream_leaves_nothing_behind(run):
    assert run("abort")["alive"] == 1
