"""Realtime sessions: a WebSocket from the client to the provider through the gateway."""

import json
import signal
import socket
import struct
import threading

import pytest

from support import websocket as ws
from support.certs import make as make_certs, server_side
from support.client import ask
from support.gateway import Lua
from support.upstream import error_json
from support.wait import wait_for

DONE = {
    "type": "response.done",
    "response": {
        "id": "resp_1", "object": "realtime.response", "status": "completed",
        "usage": {
            "total_tokens": 30, "input_tokens": 20, "output_tokens": 10,
            "input_token_details": {"cached_tokens": 4, "audio_tokens": 6},
            "output_token_details": {"text_tokens": 3, "audio_tokens": 7},
        },
    },
}
CREATED = {"type": "session.created", "session": {"id": "sess_1", "model": "gpt-realtime-x"}}


def session(talk, **how):
    """An upstream handler: switches, talks, and ends the connection without a word."""

    def handler(conn, request):
        try:
            talk(ws.switch(conn, request, **how))
        finally:
            conn.close()

    return handler


def echo(end):
    """Says what it hears, and answers the close frame."""
    while True:
        opcode, last, payload = end.receive()
        if opcode == ws.PING:
            opcode = ws.PONG
        end.send(opcode, payload, last=last)
        if opcode == ws.CLOSE:
            return


def closer(code, reason=""):
    def talk(end):
        end.close(code, reason)
        assert end.closed() == code

    return talk


def record_of(gate):
    return gate.wait_records()[0]


# ---- both ways


def test_messages_pass_both_ways_and_the_close_code_too(gateway, upstream):
    up = upstream(session(echo))
    gate = gateway(up)
    client = ws.connect(gate.port)
    client.say({"type": "session.update"})
    assert json.loads(client.message()) == {"type": "session.update"}
    client.send(ws.BINARY, bytes(range(256)) * 300)
    assert client.message() == bytes(range(256)) * 300
    client.send(ws.PING, b"are you there")
    assert client.receive() == (ws.PONG, True, b"are you there")
    client.close(4321, "enough")
    assert client.receive() == (ws.CLOSE, True, struct.pack("!H", 4321) + b"enough")
    assert client.at_end()
    record = record_of(gate)
    assert record["kind"] == "realtime" and record["status"] == 101
    assert record["outcome"] == "ok" and "client_gone" not in record
    assert record["websocket"] == {"closed_by": "client", "close_code": 4321, "messages_in": 2,
                                   "messages_out": 2}
    assert record["request_bytes"] > 76800 and record["response_bytes"] > 76800


@pytest.mark.parametrize("code", [1000, 1001, 1011, 3000, 4999])
def test_the_close_code_of_the_provider_reaches_the_client(gateway, upstream, code):
    up = upstream(session(closer(code, "why")))
    gate = gateway(up)
    client = ws.connect(gate.port)
    assert client.receive() == (ws.CLOSE, True, struct.pack("!H", code) + b"why")
    client.close(code)
    assert client.at_end()
    record = record_of(gate)
    assert record["websocket"]["closed_by"] == "provider"
    assert record["websocket"]["close_code"] == code
    assert record["outcome"] == "ok"


def test_a_close_frame_without_a_code_stays_one(gateway, upstream):
    gate = gateway(upstream(session(echo)))
    client = ws.connect(gate.port)
    client.send(ws.CLOSE)
    assert client.receive() == (ws.CLOSE, True, b"")
    assert record_of(gate)["websocket"]["close_code"] == 1005


def test_frames_may_be_split_anywhere(gateway, upstream):
    gate = gateway(upstream(session(echo)))
    client = ws.connect(gate.port)
    frames = [(ws.TEXT, b"Hel", False), (ws.PING, b"p" * 125, True), (0, b"", False),
              (0, b"lo" * 200, True), (ws.BINARY, b"x" * 70000, True)]
    for opcode, payload, last in frames[:-1]:
        client.connection.send_slowly(ws.frame(opcode, payload, b"abcd", last=last))
    client.connection.send_slowly(ws.frame(*frames[-1][:2], b"\0\xff\0\xff"), 1777)
    for opcode, payload, last in frames:
        expected = ws.PONG if opcode == ws.PING else opcode
        assert client.receive() == (expected, last, payload)
    client.close()
    assert client.closed() == 1000
    assert record_of(gate)["websocket"]["messages_in"] == 2


def test_a_provider_that_splits_its_frames_is_understood(gateway, upstream):
    def talk(end):
        whole = ws.frame(ws.TEXT, json.dumps(CREATED)) + ws.frame(ws.TEXT, json.dumps(DONE))
        end.connection.send_slowly(whole + ws.frame(ws.CLOSE, ws.close_payload(1000)))
        assert end.closed() == 1000

    gate = gateway(upstream(session(talk)))
    client = ws.connect(gate.port)
    assert json.loads(client.message()) == CREATED
    assert json.loads(client.message()) == DONE
    assert client.closed() == 1000
    client.close()
    assert record_of(gate)["usage"]["input"] == 20


def test_what_is_said_with_the_handshakes_is_not_lost(gateway, upstream):
    """The provider's first message comes with its 101, the client's with its request."""

    def handler(conn, request):
        accept = ws.accept_of(request.header("sec-websocket-key"))
        conn.send(b"HTTP/1.1 101 Go\r\nconnection: upgrade\r\nupgrade: websocket\r\n"
                  b"sec-websocket-accept: " + accept.encode() + b"\r\n\r\n"
                  + ws.frame(ws.TEXT, b"first"))
        echo(ws.Session(conn, False))
        conn.close()

    gate = gateway(upstream(handler))
    client, _ = None, None
    connection = ws.Connection(gate.port)
    head = ws.request_bytes("GET", "/v1/realtime?model=up/m", headers=ws.UPGRADE)
    connection.send(head + ws.frame(ws.TEXT, b"early", b"1234"))
    assert connection.read_head().status == 101
    client = ws.Session(connection, True)
    assert {client.message(), client.message()} == {b"first", b"early"}
    client.close()
    assert client.closed() == 1000


def test_sessions_pass_over_tls(gateway, upstream, tmp_path):
    certs = make_certs(tmp_path / "certs", {"server": "IP:127.0.0.1"})
    up = upstream(session(echo), tls=server_side(certs))
    settings = {"base_url": up.url, "tls": {"ca": str(certs / "ca.pem")}}
    gate = gateway(providers={"up": settings})
    client = ws.connect(gate.port)
    client.send(ws.BINARY, b"s" * 500000)
    assert client.message() == b"s" * 500000
    client.close()
    assert client.closed() == 1000


# ---- what is asked of the provider


def test_the_provider_gets_our_key_and_its_own_name_of_the_model(gateway, upstream):
    up = upstream(session(echo))
    gate = gateway(up)
    client = ws.connect(gate.port, "/v1/realtime?intent=x&model=up%2Fgpt-realtime&%6Dodel=other",
                        {"Authorization": "Bearer sk-client", "OpenAI-Beta": "realtime=v1",
                         "Sec-WebSocket-Extensions": "permessage-deflate", "Cookie": "c=1"})
    client.close()
    assert client.closed() == 1000
    (request,) = up.requests
    assert request.target == "/v1/realtime?model=gpt-realtime&intent=x"
    assert request.header("authorization") == "Bearer sk-canary-upstream-key"
    assert request.header("openai-beta") == "realtime=v1"
    assert request.header("sec-websocket-extensions") is None
    assert request.header("sec-websocket-key") != ws.KEY
    assert request.header("cookie") is None
    assert "sk-client" not in str(request.headers)
    assert client.head.header("sec-websocket-extensions") is None


@pytest.mark.parametrize("settings, path, target", [
    ({}, "/openai/v1/realtime?model=up/gpt", "/openai/v1/realtime?model=gpt"),
    ({"api_version": "2025-04-01-preview"},
     "/openai/realtime?api-version=2024-10-01-preview&deployment=up/gpt",
     "/openai/realtime?api-version=2025-04-01-preview&deployment=gpt"),
    ({"deployments": {"gpt": "my voice"}}, "/v1/realtime?model=up/gpt",
     "/openai/v1/realtime?model=my%20voice"),
])
def test_azure_has_its_own_paths(gateway, upstream, settings, path, target):
    up = upstream(session(echo))
    url = up.url.removesuffix("/v1")
    gate = gateway(providers={"up": {"plugin": "azure", "base_url": url, **settings}})
    client = ws.connect(gate.port, path, {"api-key": "client-key"})
    client.close()
    assert client.closed() == 1000
    assert up.requests[0].target == target
    assert up.requests[0].all("api-key") == ["sk-canary-upstream-key"]


def test_vendors_have_sessions_where_their_row_says_so(gateway, upstream):
    up = upstream(session(echo))
    vendor = {"plugin": "compatible", "base_url": up.url}
    gate = gateway(providers={"xai": {**vendor, "vendor": "xai"},
                              "groq": {**vendor, "vendor": "groq"}})
    client = ws.connect(gate.port, "/v1/realtime?model=xai/grok-voice")
    client.close()
    assert client.closed() == 1000
    assert up.requests[0].target == "/v1/realtime?model=grok-voice"
    connection, head = ws.ask(gate.port, "/v1/realtime?model=groq/x")
    assert head.status == 400
    assert "realtime" in connection.read_body(head).json()["error"]["message"]


def test_a_provider_without_sessions_says_so(gateway, upstream):
    up = upstream(session(echo))
    gate = gateway(providers={"other": {"plugin": "anthropic", "base_url": up.url}})
    connection, head = ws.ask(gate.port, "/v1/realtime?model=other/claude")
    assert head.status == 400
    message = connection.read_body(head).json()["error"]["message"]
    assert "no realtime sessions" in message
    assert not up.requests


# ---- who is asking

AUTH = """
local s = require "headgate"
return s.route {
  path = "/...",
  auth = function(req)
    if req.headers.authorization ~= "Bearer sk-virtual" then return s.deny(401, "who?") end
    return true
  end,
  handler = s.target "up",
}
"""


@pytest.mark.parametrize("headers, path", [
    ({"Authorization": "Bearer sk-virtual"}, ""),
    ({"Sec-WebSocket-Protocol":
      "realtime, openai-insecure-api-key.sk-virtual, openai-beta.realtime-v1"}, ""),
    ({}, "&api-key=sk-virtual"),
])
def test_a_key_may_come_in_any_of_the_usual_ways(gateway, upstream, headers, path):
    up = upstream(session(echo))
    gate = gateway(up, routes={"a.lua": AUTH})
    client = ws.connect(gate.port, f"/v1/realtime?model=m{path}", headers)
    client.close()
    assert client.closed() == 1000
    request = up.requests[0]
    assert "sk-virtual" not in request.target + str(request.headers)
    if "Sec-WebSocket-Protocol" in headers:
        assert request.header("sec-websocket-protocol") == "realtime, openai-beta.realtime-v1"
        assert client.head.header("sec-websocket-protocol") == "realtime"
    else:
        assert client.head.header("sec-websocket-protocol") is None
    gate.wait_records()
    assert "sk-virtual" not in gate.everything_written()


def test_a_wrong_key_is_refused_before_anybody_is_asked(gateway, upstream):
    up = upstream(session(echo))
    gate = gateway(up, routes={"a.lua": AUTH})
    for headers in ({}, {"Sec-WebSocket-Protocol": "openai-insecure-api-key.sk-wrong"}):
        connection, head = ws.ask(gate.port, "/v1/realtime?model=m", headers)
        assert head.status == 401
        assert "error" in connection.read_body(head).json()
    assert not up.requests


def test_the_subprotocol_is_what_the_provider_chooses(gateway, upstream):
    up = upstream(session(echo, headers={"Sec-WebSocket-Protocol": "b"}))
    gate = gateway(up)
    client = ws.connect(gate.port, headers={"Sec-WebSocket-Protocol": "a, b"})
    assert client.head.header("sec-websocket-protocol") == "b"
    client.close()
    assert client.closed() == 1000
    connection, head = ws.ask(gate.port, headers={"Sec-WebSocket-Protocol": "a"})
    assert head.status == 502
    assert "subprotocol" in connection.read_body(head).json()["error"]["message"]


# ---- handshakes that fail


@pytest.mark.parametrize("headers", [
    {"Upgrade": None}, {"Upgrade": "h2c"}, {"Connection": "close"},
    {"Sec-WebSocket-Version": "8"}, {"Sec-WebSocket-Key": None}, {"Sec-WebSocket-Key": "short"},
    {"Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ--"},
])
def test_what_is_no_upgrade_is_told_so(gateway, upstream, headers):
    up = upstream(session(echo))
    gate = gateway(up)
    connection, head = ws.ask(gate.port, headers=headers)
    assert head.status == 426
    assert head.header("upgrade") == "websocket"
    assert head.header("sec-websocket-version") == "13"
    assert connection.read_body(head).json()["error"]["type"] == "invalid_request_error"
    assert not up.requests


def test_an_upgrade_of_another_path_is_an_ordinary_request(gateway, upstream):
    gate = gateway(upstream(lambda conn, request: conn.answer({"object": "list", "data": []})))
    connection, head = ws.ask(gate.port, "/v1/files")
    assert head.status == 200


@pytest.mark.parametrize("status, type_", [(401, "invalid_request_error"), (404, "not_found"),
                                           (429, "rate_limit_error"), (500, "server_error")])
def test_a_provider_that_refuses_is_quoted(gateway, upstream, status, type_):
    up = upstream(lambda conn, request: conn.answer(error_json("not now", type_), status))
    gate = gateway(up)
    connection, head = ws.ask(gate.port)
    body = connection.read_body(head).json()
    assert head.status == status
    assert body["error"]["message"] == "not now"
    record = record_of(gate)
    assert record["status"] == status and "websocket" not in record
    # the connection is a plain one still
    connection.send(ws.request_bytes("GET", "/v1/realtime?model=up/m", headers=ws.UPGRADE))
    assert connection.read_response().status == status


@pytest.mark.parametrize("how", [
    {"accept": "AAAAAAAAAAAAAAAAAAAAAAAAAAA="},
    {"headers": {"Sec-WebSocket-Extensions": "permessage-deflate"}},
])
def test_a_wrong_answer_to_the_handshake_is_a_bad_gateway(gateway, upstream, how):
    gate = gateway(upstream(session(echo, **how)))
    _, head = ws.ask(gate.port)
    assert head.status == 502
    assert record_of(gate)["error"]["kind"] == "protocol"


def test_a_plain_answer_to_the_handshake_is_a_bad_gateway(gateway, upstream):
    gate = gateway(upstream(lambda conn, request: conn.answer({"fine": True})))
    _, head = ws.ask(gate.port)
    assert head.status == 502


def test_an_upgrade_nobody_asked_for_is_still_refused(gateway, upstream):
    gate = gateway(upstream(lambda conn, request: conn.send(
        b"HTTP/1.1 101 Go\r\nconnection: upgrade\r\nupgrade: websocket\r\n\r\n")))
    answer = ask(gate.port, "POST", "/v1/chat/completions",
                 body={"model": "up/m", "messages": [{"role": "user", "content": "x"}]})
    assert answer.status == 502


def test_another_target_takes_the_session_before_it_begins(gateway, upstream):
    bad = upstream(lambda conn, request: conn.answer(error_json(), 503))
    good = upstream(session(echo))
    route = """
local s = require "headgate"
return s.route { path = "/...", handler = s.fallback { s.target "none/a", s.target "bad/a",
  s.target "good/voice", on = { "bad_request", "upstream_5xx" } } }
"""
    gate = gateway(providers={"none": {"plugin": "anthropic", "base_url": bad.url},
                              "bad": bad.url, "good": good.url}, routes={"a.lua": route})
    client = ws.connect(gate.port, "/v1/realtime?model=x")
    client.say({"a": 1})
    assert json.loads(client.message()) == {"a": 1}
    client.close()
    assert client.closed() == 1000
    assert good.requests[0].target == "/v1/realtime?model=voice"
    record = record_of(gate)
    assert [attempt["target"] for attempt in record["attempts"]] == ["none/a", "bad/a",
                                                                     "good/voice"]
    assert record["target"] == "good/voice"


def test_guards_that_cannot_listen_refuse(gateway, upstream):
    up = upstream(session(echo))
    route = """
local s = require "headgate"
return s.route { path = "/...", handler = s.guard(s.target "up", { %s = { "words" } %s }) }
"""
    guard = 'guard "words" { plugin = "regex", action = "deny", sets = { "credit_card" } }'
    for side in ("input", "output"):
        gate = gateway(up, config=guard, routes={"a.lua": route % (side, "")})
        _, head = ws.ask(gate.port, "/v1/realtime?model=m")
        assert head.status == 403, side
        gate = gateway(up, config=guard, routes={"a.lua": route % (side, ', on_error = "allow"')})
        client = ws.connect(gate.port, "/v1/realtime?model=m")
        client.close()
        assert client.closed() == 1000


def test_a_shadow_does_not_listen(gateway, upstream):
    up, other = upstream(session(echo)), upstream(session(echo))
    route = """
local s = require "headgate"
return s.route { path = "/...", handler = s.shadow(s.target "up", { to = s.target "other" }) }
"""
    gate = gateway(up, providers={"other": other.url}, routes={"a.lua": route})
    client = ws.connect(gate.port, "/v1/realtime?model=m")
    client.close()
    assert client.closed() == 1000
    gate.wait_records()
    assert not other.requests


# ---- ends without a word


def test_a_client_that_goes_takes_the_provider_along(gateway, upstream):
    codes = []
    up = upstream(session(lambda end: codes.append(end.closed())))
    gate = gateway(up)
    client = ws.connect(gate.port)
    client.connection.close()
    wait_for(lambda: codes, "the provider to hear of it")
    assert codes == [1001]
    record = record_of(gate)
    assert record["client_gone"] is True
    assert record["websocket"]["closed_by"] == "client"
    assert record["websocket"]["close_code"] == 1006


def test_a_client_that_goes_inside_of_a_frame_leaves_no_close_frame(gateway, upstream):
    heard = []

    def talk(end):
        assert end.connection.read_exactly(6 + 10)
        heard.append(end.connection.read_to_end())

    gate = gateway(upstream(session(talk)))
    client = ws.connect(gate.port)
    client.connection.send(ws.frame(ws.TEXT, b"x" * 100, b"abcd")[:16])
    wait_for(lambda: gate.state() and not heard, "nothing yet")
    client.connection.close()
    wait_for(lambda: heard, "the provider to hear of it")
    assert heard == [b""]


def test_a_client_that_has_closed_need_not_wait(gateway, upstream):
    codes = []
    gate = gateway(upstream(session(lambda end: codes.append(end.closed()))))
    client = ws.connect(gate.port)
    client.close(1000)
    client.connection.close()
    wait_for(lambda: codes, "the provider to hear of it")
    assert codes == [1000]
    record = record_of(gate)
    assert record["outcome"] == "ok" and "client_gone" not in record


@pytest.mark.parametrize("reset", [False, True])
def test_a_provider_that_dies_is_an_internal_error_to_the_client(gateway, upstream, reset):
    def talk(end):
        end.say(CREATED)
        assert end.receive()[2] == b"die"
        if reset:
            end.connection.reset()

    gate = gateway(upstream(session(talk)))
    client = ws.connect(gate.port)
    assert json.loads(client.message()) == CREATED
    client.send(ws.TEXT, b"die")
    assert client.closed() == 1011
    assert client.at_end()
    record = record_of(gate)
    assert record["truncated"] is True and record["error"]["kind"] == "protocol"
    assert record["websocket"]["closed_by"] == "provider"
    assert record["websocket"]["close_code"] == 1006


def test_a_provider_that_dies_inside_of_a_frame_leaves_no_close_frame(gateway, upstream):
    def talk(end):
        end.connection.send(ws.frame(ws.TEXT, b"y" * 1000)[:500])

    gate = gateway(upstream(session(talk)))
    client = ws.connect(gate.port)
    assert len(client.connection.read_to_end()) == 500
    assert record_of(gate)["truncated"] is True


def test_a_close_frame_that_is_not_answered_is_not_waited_for_for_ever(gateway, upstream):
    gone = threading.Event()

    def talk(end):
        assert end.closed() == 4000
        gone.wait(20)

    gate = gateway(upstream(session(talk)))
    client = ws.connect(gate.port)
    client.close(4000)
    assert client.closed() == 4000
    gone.set()
    assert record_of(gate)["outcome"] == "ok"


def test_silence_ends_a_session_and_pings_are_none(gateway, upstream):
    up = upstream(session(echo))
    gate = gateway(up, config='limits { websocket_timeout = "600ms" }')
    client = ws.connect(gate.port)
    for _ in range(4):
        with pytest.raises(TimeoutError):
            client.connection.sock.settimeout(0.3)
            client.connection.sock.recv(1)
        client.send(ws.PING)
        client.connection.sock.settimeout(10)
        assert client.receive()[0] == ws.PONG
    assert client.closed() == 1001
    record = record_of(gate)
    assert record["error"]["kind"] == "timeout"
    assert record["websocket"] == {"closed_by": "gateway", "close_code": 1001, "messages_in": 0,
                                   "messages_out": 0}


@pytest.mark.seconds(90)
def test_the_end_of_the_gateway_is_told_to_both(gateway, upstream):
    codes = []
    up = upstream(session(lambda end: codes.append(end.closed())))
    gate = gateway(up, config='drain_timeout "1s"')
    client = ws.connect(gate.port)
    gate.signal(signal.SIGTERM)
    assert client.closed() == 1001
    wait_for(lambda: codes, "the provider to hear of it")
    assert codes == [1001]
    assert gate.wait() == 0
    record = record_of(gate)
    assert record["websocket"]["closed_by"] == "gateway"


def test_a_session_that_ends_by_itself_lets_the_gateway_go(gateway, upstream):
    gate = gateway(upstream(session(echo)), config='drain_timeout "60s"')
    client = ws.connect(gate.port)
    gate.signal(signal.SIGTERM)
    gate.wait_line("stopping")
    client.say({"still": "here"})
    assert json.loads(client.message()) == {"still": "here"}
    client.close()
    assert client.closed() == 1000
    assert gate.wait() == 0


# ---- frames that break the rules

BAD_FROM_CLIENT = {
    "no mask": (ws.frame(ws.TEXT, b"x"), 1002),
    "reserved bit": (ws.frame(ws.TEXT, b"x", b"abcd", reserved=4), 1002),
    "unknown kind": (ws.frame(3, b"x", b"abcd"), 1002),
    "unknown control": (ws.frame(11, b"x", b"abcd"), 1002),
    "long ping": (b"\x89\xfe\x00\x7eabcd" + b"x" * 126, 1002),
    "ping in fragments": (ws.frame(ws.PING, b"x", b"abcd", last=False), 1002),
    "continuation of nothing": (ws.frame(0, b"x", b"abcd"), 1002),
    "message in a message": (ws.frame(ws.TEXT, b"x", b"abcd", last=False)
                             + ws.frame(ws.TEXT, b"x", b"abcd"), 1002),
    "length in a longer form": (b"\x81\xfe\x00\x05abcdhello", 1002),
    "length beyond all": (b"\x82\xff" + b"\xff" * 8 + b"abcd", 1002),
    "close with half a code": (ws.frame(ws.CLOSE, b"\x03", b"abcd"), 1002),
    "close with a code never sent": (ws.frame(ws.CLOSE, b"\x03\xee", b"abcd"), 1002),
    "too large": (b"\x82\xff" + struct.pack("!Q", 65 << 20) + b"abcd", 1009),
}


@pytest.mark.parametrize("name", BAD_FROM_CLIENT)
def test_a_client_that_breaks_the_rules_is_closed(gateway, upstream, name):
    frames, code = BAD_FROM_CLIENT[name]
    codes, seen = [], []

    def talk(end):
        while True:
            opcode, _, payload = end.receive()
            if opcode == ws.CLOSE:
                codes.append(struct.unpack("!H", payload[:2])[0])
                return
            seen.append(payload)

    gate = gateway(upstream(session(talk)))
    client = ws.connect(gate.port)
    client.send(ws.TEXT, b"before")
    client.connection.send_slowly(frames[:20])
    try:
        client.connection.send(frames[20:])
    except OSError:
        pass  # it may be closed already
    assert client.closed() == code
    wait_for(lambda: codes, "the provider to hear of it")
    assert codes == [1001]
    assert seen[0] == b"before" and len(seen) == (2 if "in a message" in name else 1)
    record = record_of(gate)
    assert record["websocket"]["closed_by"] == "client"
    assert record["websocket"]["close_code"] == code
    assert record["error"]["kind"] == "bad_request"


@pytest.mark.parametrize("frames", [ws.frame(ws.TEXT, b"x", b"abcd"), ws.frame(7, b"x"),
                                    ws.frame(ws.TEXT, b"x", reserved=4), b"\x88\x01\x00"])
def test_a_provider_that_breaks_the_rules_is_closed(gateway, upstream, frames):
    codes = []

    def talk(end):
        end.say({"fine": 1})
        end.connection.send(frames)
        codes.append(end.closed())

    gate = gateway(upstream(session(talk)))
    client = ws.connect(gate.port)
    assert json.loads(client.message()) == {"fine": 1}
    assert client.closed() == 1011
    wait_for(lambda: codes, "the provider to hear of it")
    assert codes == [1002]
    record = record_of(gate)
    assert record["error"]["kind"] == "protocol" and record["truncated"] is True


def test_what_follows_a_close_frame_goes_nowhere(gateway, upstream):
    heard = []

    def talk(end):
        assert end.closed() == 1000
        end.connection.sock.settimeout(0.5)
        try:
            heard.append(end.connection.sock.recv(100))
        except TimeoutError:
            heard.append(None)
        end.connection.sock.settimeout(10)
        end.close(1000)

    gate = gateway(upstream(session(talk)))
    client = ws.connect(gate.port)
    client.connection.send(ws.frame(ws.CLOSE, ws.close_payload(1000), b"abcd")
                           + ws.frame(ws.TEXT, b"more", b"abcd"))
    assert client.closed() == 1000
    assert heard == [None]


# ---- memory and usage


def resident(pid):
    with open(f"/proc/{pid}/statm") as file:
        return int(file.read().split()[1]) * 4096


@pytest.mark.parametrize("side", ["client", "provider"])
def test_an_end_that_does_not_read_stops_the_other(gateway, upstream, side):
    total, chunk = 64 << 20, ws.frame(ws.BINARY, b"z" * 65530, None)
    state = {"sent": 0}
    stop = threading.Event()

    def flood(sock, data):
        sock.settimeout(1.0)
        try:
            while state["sent"] < total and not stop.is_set():
                state["sent"] += sock.send(data)
        except (TimeoutError, OSError):
            pass
        state["stuck"] = True

    def talk(end):
        if side == "client":
            flood(end.connection.sock, chunk)
        stop.wait(30)

    gate = gateway(upstream(session(talk)))
    before = resident(gate.processes()[0])
    client = ws.connect(gate.port)
    if side == "provider":
        flood(client.connection.sock, ws.frame(ws.BINARY, b"z" * 65530, b"\0\0\0\0"))
    wait_for(lambda: state.get("stuck"), "the flood to stop", 30)
    assert state["sent"] < total
    assert resident(gate.processes()[0]) - before < 16 << 20
    stop.set()
    client.connection.close()


def test_a_slow_reader_gets_everything(gateway, upstream):
    size = 8 << 20

    def talk(end):
        for at in range(0, size, 1 << 16):
            end.send(ws.BINARY, bytes([at >> 16]) * (1 << 16))
        end.close(1000)
        assert end.closed() == 1000

    gate = gateway(upstream(session(talk)))
    client = ws.connect(gate.port, receive_buffer=4096)
    for at in range(0, size, 1 << 16):
        assert client.message() == bytes([at >> 16]) * (1 << 16)
    assert client.closed() == 1000
    client.close()
    assert record_of(gate)["websocket"]["messages_out"] == size >> 16


def test_usage_of_all_responses_is_in_the_record(gateway, upstream):
    def talk(end):
        end.say(CREATED)
        end.say({"type": "response.text.delta", "delta": 'said "type":"response.done" and on'})
        end.say(DONE)
        text = json.dumps({"response": DONE["response"], "type": "response.done"}).encode()
        end.send(ws.TEXT, text[:40], last=False)  # in fragments, and its type comes last
        end.send(ws.PING, b"")
        end.send(0, text[40:80], last=False)
        end.send(0, text[80:])
        end.send(ws.TEXT, json.dumps({"type": "response.done", "fill": "x" * 300000, **DONE}))
        end.close(1000)
        assert end.receive()[0] == ws.PONG
        assert end.closed() == 1000

    gate = gateway(upstream(session(talk)))
    client = ws.connect(gate.port)
    for _ in range(3):
        client.message()
    assert client.receive()[1] is False
    assert client.receive()[0] == ws.PING
    client.send(ws.PONG)
    for _ in range(2):
        client.receive()
    client.message()
    assert client.closed() == 1000
    client.close()
    record = record_of(gate)
    assert record["usage"] == {"input": 40, "output": 20, "cached_input": 8, "audio_in": 12,
                               "audio_out": 14}
    assert record["model_answered"] == "gpt-realtime-x"
    assert record["response_id"] == "resp_1"
    metrics = gate.metrics()
    assert metrics["headgate_input_tokens_total"] == 40
