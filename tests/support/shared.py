"""Recorded traffic and bad input: data that lies beside the tree and is not a part of it."""

import base64
import json

import pytest

from .places import SHARED


def rows(name):
    """The rows of a JSONL file of the bad-input collection; skips the test without it."""
    path = SHARED / "bad-input" / name
    if not path.exists():
        pytest.skip(f"no bad input: {path} is missing")
    with open(path, encoding="utf-8") as file:
        return [json.loads(line) for line in file]


def file_bytes(name):
    return (SHARED / "bad-input" / name).read_bytes()


def payload(row):
    return base64.b64decode(row["payload_base64"])


def cassettes(*endpoints):
    """The recordings of these endpoints, or all, in order of their ids; skips the test without
    them."""
    folder = SHARED / "cassettes"
    if not folder.is_dir():
        print("skipped: no cassettes")
        pytest.skip(f"no cassettes: {folder} is missing")
    found = []
    for path in sorted(folder.glob("*/*.json")):
        cassette = json.loads(path.read_text(encoding="utf-8"))
        if not endpoints or cassette["endpoint"] in endpoints:
            found.append(cassette)
    return found


def response_bytes(cassette):
    response = cassette["response"]
    if "body_base64" in response:
        return base64.b64decode(response["body_base64"])
    return response["body"].encode("utf-8", "surrogatepass")


class Tally:
    """Many small cases in one test: all are tried, and all that fail are told."""

    def __init__(self, what):
        self.what, self.count, self.failures = what, 0, []

    def check(self, name, condition, why=""):
        self.count += 1
        if not condition:
            self.failures.append(f"{name}: {why}")

    def done(self, least=1):
        print(f"{self.what}: {self.count} checks, {len(self.failures)} failures")
        assert self.count >= least, f"only {self.count} checks of {self.what}"
        assert not self.failures, (
            f"{len(self.failures)} of {self.count} {self.what}:\n" + "\n".join(self.failures[:40])
        )
