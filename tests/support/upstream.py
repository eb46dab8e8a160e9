"""A provider whose every byte the test decides.

    up = upstream(lambda conn, request: conn.answer(chat_json("hi")))

The function runs in a thread of its own for each request that arrives, and the connection stays
open afterwards unless it is closed. What it raises fails the test."""

import json
import socket
import threading

from .client import Connection, Gone


class UpstreamConnection(Connection):
    """The provider's side of a connection."""

    number = 0

    def head(self, status=200, content_type="application/json", headers=(), length=None):
        lines = [f"HTTP/1.1 {status} Status", f"Content-Type: {content_type}"]
        lines += [f"{name}: {value}" for name, value in headers]
        framing = "Transfer-Encoding: chunked" if length is None else f"Content-Length: {length}"
        lines.append(framing)
        self.send("\r\n".join(lines).encode() + b"\r\n\r\n")

    def answer(self, body, status=200, content_type="application/json", headers=()):
        if not isinstance(body, bytes):
            body = json.dumps(body, ensure_ascii=False, separators=(",", ":")).encode()
        self.send(answer_bytes(body, status, content_type, headers))

    def chunk(self, data: bytes):
        self.send(b"%x\r\n%s\r\n" % (len(data), data))

    def end_chunks(self):
        self.send(b"0\r\n\r\n")

    def stream(self, events, headers=(), end=True):
        """Events are bytes, sent as they are, or documents."""
        self.head(content_type="text/event-stream", headers=headers)
        for event in events:
            self.chunk(event if isinstance(event, bytes) else sse(event))
        if end:
            self.end_chunks()


def answer_bytes(body, status=200, content_type="application/json", headers=()):
    lines = [f"HTTP/1.1 {status} Status", f"Content-Type: {content_type}"]
    lines += [f"{name}: {value}" for name, value in headers]
    lines.append(f"Content-Length: {len(body)}")
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


class Upstream:
    """`tls` is an ssl.SSLContext or nothing. With `heads_only` bodies are the handler's to read."""

    def __init__(self, handler, tls=None, heads_only=False):
        self.heads_only = heads_only
        self.handler = handler
        self.tls = tls
        self.requests = []
        self.connections = []
        self.failures = []
        self.closing = False
        self.listener = socket.create_server(("127.0.0.1", 0), backlog=128)
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    @property
    def url(self):
        return f"{'https' if self.tls else 'http'}://127.0.0.1:{self.port}/v1"

    def _accept(self):
        while True:
            try:
                sock, _ = self.listener.accept()
            except OSError:
                return
            connection = UpstreamConnection(sock=sock, timeout=30)
            connection.number = len(self.connections)
            self.connections.append(connection)
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection):
        try:
            if self.tls:
                connection.sock = self.tls.wrap_socket(connection.sock, server_side=True)
            while True:
                request = connection.read_head() if self.heads_only else connection.read_request()
                self.requests.append(request)
                self.handler(connection, request)
        except (Gone, OSError, ValueError):
            pass
        except BaseException as failure:  # the test must hear of it
            if not self.closing:
                self.failures.append(failure)
        finally:
            connection.close()

    def stop(self):
        self.closing = True
        self.listener.close()
        for connection in self.connections:
            try:
                connection.sock.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass
            connection.close()
        if self.failures:
            raise self.failures[0]


# ---- answers in OpenAI's form


def chat_json(text="Hello there", finish="stop", usage=(7, 2), model="m-1", **more):
    document = {
        "id": "chatcmpl-1",
        "object": "chat.completion",
        "created": 1700000000,
        "model": model,
        "choices": [
            {
                "index": 0,
                "message": {"role": "assistant", "content": text, "refusal": None},
                "finish_reason": finish,
            }
        ],
        **more,
    }
    if usage:
        document["usage"] = usage_of(*usage)
    return document


def usage_of(prompt, completion, cached=0):
    return {
        "prompt_tokens": prompt,
        "completion_tokens": completion,
        "total_tokens": prompt + completion,
        "prompt_tokens_details": {"cached_tokens": cached},
    }


def chunk_of(delta, finish=None, model="m-1", **more):
    return {
        "id": "chatcmpl-1",
        "object": "chat.completion.chunk",
        "created": 1700000000,
        "model": model,
        "choices": [{"index": 0, "delta": delta, "finish_reason": finish}],
        **more,
    }


def usage_chunk(prompt=7, completion=2, model="m-1"):
    return {
        "id": "chatcmpl-1",
        "object": "chat.completion.chunk",
        "created": 1700000000,
        "model": model,
        "choices": [],
        "usage": usage_of(prompt, completion),
    }


def sse(document) -> bytes:
    text = json.dumps(document, ensure_ascii=False, separators=(",", ":"))
    return b"data: " + text.encode() + b"\n\n"


DONE = b"data: [DONE]\n\n"


def tells_of_failure(body: bytes):
    """An error event is the last thing a failed stream says, but for the mark behind it."""
    head, _, tail = body.removesuffix(DONE).rpartition(b"data: ")
    return b'"error"' in tail and DONE not in head and b"finish_reason\":\"stop" not in head


def chat_events(words=("Hello", " there"), usage=True, done=True):
    """A stream as the real one sends it when it was asked for usage."""
    events = [sse(chunk_of({"role": "assistant", "content": ""}))]
    events += [sse(chunk_of({"content": word})) for word in words]
    events.append(sse(chunk_of({}, "stop")))
    if usage:
        events.append(sse(usage_chunk(7, len(words))))
    if done:
        events.append(DONE)
    return events


def error_json(message="nope", type_="server_error", code=None):
    return {"error": {"message": message, "type": type_, "param": None, "code": code}}


def wants_stream(request):
    return request.json().get("stream") is True


def plain(connection, request):
    """The handler most tests want: answers what was asked for."""
    if wants_stream(request):
        connection.stream(chat_events())
    else:
        connection.answer(chat_json())
