"""One gateway for a whole file of bad input: what breaks it must show in a later case."""

import json

import pytest

from support.gateway import Gateway
from support.upstream import Upstream, chat_events, chat_json


def echo(conn, request):
    """Answers with the request's `user`, so that every answer can be told from every other."""
    document = request.json()
    if document.get("stream"):
        conn.stream(chat_events([str(document.get("user"))]))
    else:
        conn.answer(chat_json(str(document.get("user"))))


class Pair:
    """A gateway and the provider behind it, whose handler a test may change."""

    def __init__(self, folder):
        self.handler = echo
        self.up = Upstream(lambda conn, request: self.handler(conn, request))
        self.gate = Gateway(folder, {"up": self.up.url})
        self.port = self.gate.port
        self.workers = self.gate.processes("worker")

    def is_unharmed(self):
        """Still the same worker, and it still answers."""
        from support.client import chat

        self.handler = echo
        answer = chat(self.port, user="still here")
        return (answer.status == 200 and "still here" in json.dumps(answer.json())
                and self.gate.processes("worker") == self.workers)

    def stop(self):
        status = self.gate.stop()
        self.up.closing = True
        self.up.stop()
        return status


@pytest.fixture(scope="module")
def pair(tmp_path_factory):
    one = Pair(tmp_path_factory.mktemp("gateway"))
    yield one
    status = one.stop()
    text = one.gate.output()
    assert status == 0, f"exit status {status}\n{text}"
    assert "AddressSanitizer" not in text and "runtime error" not in text, text
