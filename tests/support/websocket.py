"""WebSocket by hand: frames as bytes, and both ends of a session that hides nothing."""

import base64
import hashlib
import json
import struct

from .client import Connection, Gone, request_bytes

GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
KEY = "dGhlIHNhbXBsZSBub25jZQ=="
TEXT, BINARY, CLOSE, PING, PONG = 1, 2, 8, 9, 10


def accept_of(key: str) -> str:
    return base64.b64encode(hashlib.sha1(key.encode() + GUID).digest()).decode()


def frame(opcode, payload=b"", mask=None, last=True, reserved=0):
    """One frame; `mask` is four bytes, as clients send it."""
    if isinstance(payload, str):
        payload = payload.encode()
    first = (0x80 if last else 0) | reserved << 4 | opcode
    bit = 0x80 if mask is not None else 0
    if len(payload) < 126:
        head = struct.pack("!BB", first, bit | len(payload))
    elif len(payload) < 65536:
        head = struct.pack("!BBH", first, bit | 126, len(payload))
    else:
        head = struct.pack("!BBQ", first, bit | 127, len(payload))
    if mask is None:
        return head + payload
    return head + mask + masked(payload, mask)


def masked(payload, mask):
    if not payload:
        return b""
    whole = (mask * (len(payload) // 4 + 1))[: len(payload)]
    return (int.from_bytes(payload, "big") ^ int.from_bytes(whole, "big")).to_bytes(
        len(payload), "big")


def close_payload(code, reason=""):
    return struct.pack("!H", code) + reason.encode()


class Session:
    """One end, over a Connection that has switched."""

    def __init__(self, connection: Connection, is_client: bool, head=None):
        self.connection = connection
        self.mask = b"\x11\x22\x33\x44" if is_client else None
        self.head = head

    def send(self, opcode, payload=b"", **more):
        self.connection.send(frame(opcode, payload, self.mask, **more))

    def say(self, document):
        self.send(TEXT, json.dumps(document))

    def close(self, code=1000, reason=""):
        self.send(CLOSE, close_payload(code, reason))

    def receive(self):
        """(opcode, is last, payload) of the next frame."""
        first, second = self.connection.read_exactly(2)
        length = second & 0x7F
        if length == 126:
            (length,) = struct.unpack("!H", self.connection.read_exactly(2))
        elif length == 127:
            (length,) = struct.unpack("!Q", self.connection.read_exactly(8))
        assert bool(second & 0x80) == (self.mask is None), "masked as it must be"
        mask = self.connection.read_exactly(4) if second & 0x80 else None
        payload = self.connection.read_exactly(length) if length else b""
        return first & 0x0F, bool(first & 0x80), masked(payload, mask) if mask else payload

    def message(self):
        """The next text or binary message; control frames are errors here."""
        opcode, last, payload = self.receive()
        assert opcode in (TEXT, BINARY), (opcode, payload)
        while not last:
            more, last, piece = self.receive()
            assert more == 0
            payload += piece
        return payload

    def closed(self):
        """The code of the close frame that comes next, or 1006 if none does."""
        try:
            opcode, _, payload = self.receive()
        except (Gone, OSError):
            return 1006
        assert opcode == CLOSE, (opcode, payload)
        return struct.unpack("!H", payload[:2])[0] if payload else 1005

    def at_end(self):
        """Whether the other side has ended the connection without saying more."""
        try:
            return self.connection.sock.recv(1) == b"" and not self.connection.buffer
        except ConnectionResetError:
            return True


UPGRADE = {
    "Connection": "Upgrade",
    "Upgrade": "websocket",
    "Sec-WebSocket-Version": "13",
    "Sec-WebSocket-Key": KEY,
}


def ask(port, path="/v1/realtime?model=up/m", headers=(), **more):
    """A connection that has asked to switch, and the head of the answer."""
    connection = Connection(port, **more)
    fields = {**UPGRADE, **dict(headers)}
    fields = {name: value for name, value in fields.items() if value is not None}
    connection.send(request_bytes("GET", path, headers=fields))
    return connection, connection.read_head()


def connect(port, path="/v1/realtime?model=up/m", headers=(), **more):
    connection, head = ask(port, path, headers, **more)
    assert head.status == 101, (head.start, head.headers)
    assert head.header("sec-websocket-accept") == accept_of(KEY)
    assert head.header("upgrade").lower() == "websocket"
    return Session(connection, True, head)


def switch(connection, request, headers=(), accept=None):
    """The provider's end: answers an upgrade, and is a session."""
    lines = ["HTTP/1.1 101 Switching Protocols", "Connection: Upgrade", "Upgrade: websocket",
             f"Sec-WebSocket-Accept: {accept or accept_of(request.header('sec-websocket-key'))}"]
    lines += [f"{name}: {value}" for name, value in dict(headers).items()]
    connection.send("\r\n".join(lines).encode() + b"\r\n\r\n")
    return Session(connection, False)
