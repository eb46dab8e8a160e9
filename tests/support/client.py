"""An HTTP/1.1 client that hides nothing: it sends any bytes, and tells exactly what came back."""

import json
import socket
import struct
from dataclasses import dataclass, field
from pathlib import Path

from .wait import PATIENCE


class Gone(Exception):
    """The other side ended the connection before the message was whole."""

    def __init__(self, what, so_far=b""):
        super().__init__(what)
        self.so_far = so_far


@dataclass
class Message:
    """A request or a response."""

    start: str
    headers: list = field(default_factory=list)
    body: bytes = b""
    chunks: list = field(default_factory=list)
    complete: bool = True
    """False if the body broke off."""

    def header(self, name, default=None):
        for key, value in self.headers:
            if key.lower() == name.lower():
                return value
        return default

    def all(self, name):
        return [value for key, value in self.headers if key.lower() == name.lower()]

    @property
    def status(self):
        return int(self.start.split()[1])

    @property
    def method(self):
        return self.start.split()[0]

    @property
    def target(self):
        return self.start.split()[1]

    def json(self):
        return json.loads(self.body)

    def events(self):
        return sse_events(self.body)


def sse_events(body: bytes):
    """The events of a stream as (event, data); what is not dispatched is left out."""
    events, name, data = [], "message", []
    text = body.decode("utf-8", "replace").replace("\r\n", "\n").replace("\r", "\n")
    for line in text.split("\n"):
        if not line:
            if data:
                events.append((name, "\n".join(data)))
            name, data = "message", []
        elif line.startswith(":"):
            continue
        else:
            key, _, value = line.partition(":")
            value = value.removeprefix(" ")
            if key == "data":
                data.append(value)
            elif key == "event":
                name = value
    return events


def request_bytes(method, path, body=b"", headers=(), host="gateway", length=True):
    """A plain request. `headers` are pairs or a dict; a body that is no bytes is sent as JSON."""
    pairs = list(headers.items()) if isinstance(headers, dict) else list(headers)
    names = {name.lower() for name, _ in pairs}
    if not isinstance(body, (bytes, bytearray)):
        body = json.dumps(body).encode()
    lines = [f"{method} {path} HTTP/1.1"]
    if "host" not in names:
        lines.append(f"Host: {host}")
    if body and "content-type" not in names:
        lines.append("Content-Type: application/json")
    is_framed = bool(names & {"content-length", "transfer-encoding"})
    if length and (body or method == "POST") and not is_framed:
        lines.append(f"Content-Length: {len(body)}")
    lines += [f"{name}: {value}" for name, value in pairs]
    return "\r\n".join(lines).encode("utf-8", "surrogateescape") + b"\r\n\r\n" + bytes(body)


class Connection:
    """One connection, on either side of it. `port` may be the path of a unix socket."""

    def __init__(self, port=None, sock=None, timeout=10.0, receive_buffer=None, tls=None,
                 name=None):
        if sock is None:
            is_file = isinstance(port, Path)
            sock = socket.socket(socket.AF_UNIX if is_file else socket.AF_INET)
            if receive_buffer:
                sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
            sock.settimeout(timeout * PATIENCE)
            sock.connect(str(port) if is_file else ("127.0.0.1", port))
            if tls:
                sock = tls.wrap_socket(sock, server_hostname=name or "127.0.0.1")
        else:
            sock.settimeout(timeout * PATIENCE)
        if sock.family != socket.AF_UNIX:
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.sock = sock
        self.buffer = b""
        self.received = b""
        """Everything that has come, for tests of exact bytes."""

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    # ---- sending

    def send(self, data: bytes):
        self.sock.sendall(data)

    def send_slowly(self, data: bytes, size=1):
        """In pieces of their own. Small enough pieces show every place where a reader can stop."""
        for at in range(0, len(data), size):
            self.sock.sendall(data[at : at + size])

    def request(self, method, path, body=b"", headers=()):
        self.send(request_bytes(method, path, body, headers))
        return self.read_response(method == "HEAD")

    def finish(self):
        """Sends no more, but still reads."""
        self.sock.shutdown(socket.SHUT_WR)

    def close(self):
        self.sock.close()

    def reset(self):
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.sock.close()

    # ---- receiving

    def _more(self):
        try:
            data = self.sock.recv(65536)
        except ConnectionResetError:
            raise Gone("reset", self.buffer) from None
        if not data:
            raise Gone("end", self.buffer)
        self.buffer += data
        self.received += data

    def read_until(self, mark: bytes):
        while mark not in self.buffer:
            self._more()
        at = self.buffer.index(mark) + len(mark)
        taken, self.buffer = self.buffer[:at], self.buffer[at:]
        return taken

    def read_exactly(self, count):
        while len(self.buffer) < count:
            self._more()
        taken, self.buffer = self.buffer[:count], self.buffer[count:]
        return taken

    def read_to_end(self):
        try:
            while True:
                self._more()
        except Gone:
            taken, self.buffer = self.buffer, b""
            return taken

    def pieces(self, count):
        """The next `count` bytes as they come, for bodies that are too large to keep."""
        while count:
            piece = self.buffer[:count] or self.sock.recv(min(count, 65536))
            if not piece:
                raise Gone("end")
            self.buffer = self.buffer[len(piece):]
            count -= len(piece)
            yield piece

    def read_head(self):
        lines = self.read_until(b"\r\n\r\n")[:-4].decode("latin-1").split("\r\n")
        headers = []
        for line in lines[1:]:
            name, _, value = line.partition(":")
            headers.append((name, value.strip()))
        return Message(lines[0], headers)

    def read_chunk(self):
        """The next chunk of a chunked body, b"" at its end."""
        size = int(self.read_until(b"\r\n").split(b";")[0], 16)
        if size == 0:
            while self.read_until(b"\r\n") != b"\r\n":
                pass
            return b""
        chunk = self.read_exactly(size)
        assert self.read_exactly(2) == b"\r\n"
        return chunk

    def _read_chunks(self, message):
        try:
            while True:
                chunk = self.read_chunk()
                if not chunk:
                    return
                message.chunks.append(chunk)
                message.body += chunk
        except Gone:
            message.complete = False

    def read_body(self, message, until_close=True):
        length = message.header("content-length")
        if "chunked" in (message.header("transfer-encoding") or "").lower():
            self._read_chunks(message)
        elif length is not None:
            try:
                message.body = self.read_exactly(int(length))
            except Gone as gone:
                message.body, message.complete = gone.so_far, False
        elif until_close:
            message.body = self.read_to_end()
        return message

    def read_response(self, is_head=False):
        """The next final response; interim ones are skipped."""
        while True:
            message = self.read_head()
            if message.status >= 200:
                break
        if is_head or message.status in (204, 304):
            return message
        return self.read_body(message)

    def read_request(self):
        return self.read_body(self.read_head(), until_close=False)

    def is_closed(self, seconds=0.0):
        """True if the other side has closed, waiting at most so long. Bytes that come are kept."""
        before = self.sock.gettimeout()
        self.sock.settimeout(seconds or 0.001)
        try:
            self._more()
            return False
        except Gone:
            return True
        except (TimeoutError, BlockingIOError):
            return False
        except OSError:
            return True
        finally:
            self.sock.settimeout(before)

    def wait_closed(self, seconds=10.0):
        """Reads and drops until the other side has closed; raises TimeoutError if it does not."""
        self.sock.settimeout(seconds * PATIENCE)
        self.read_to_end()


def ask(port, method, path, body=b"", headers=(), timeout=10.0):
    """One request on a connection of its own."""
    with Connection(port, timeout=timeout) as connection:
        return connection.request(method, path, body, headers)


def chat(port, content="Hello", stream=False, headers=(), timeout=10.0, **members):
    """A chat completion through the default route or whatever is at its path."""
    body = {"model": "up/m-1", "messages": [{"role": "user", "content": content}], **members}
    if stream:
        body["stream"] = True
    return ask(port, "POST", "/v1/chat/completions", body, headers, timeout)
