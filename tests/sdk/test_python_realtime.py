"""Realtime sessions of the official Python SDK, which speaks WebSocket by a library of its own."""

import pytest

openai = pytest.importorskip("openai", reason="no SDK: see tests/sdk/requirements.txt")
websockets = pytest.importorskip("websockets", reason="no WebSockets: see tests/sdk/requirements.txt")

from support import websocket as ws  # noqa: E402
from support.upstream import error_json  # noqa: E402

CREATED = {"type": "session.created", "event_id": "event_1",
           "session": {"id": "sess_1", "type": "realtime", "model": "gpt-realtime"}}
DONE = {"type": "response.done", "event_id": "event_2",
        "response": {"id": "resp_1", "object": "realtime.response", "status": "completed",
                     "output": [], "usage": {"total_tokens": 9, "input_tokens": 5,
                                             "output_tokens": 4}}}


def provider(conn, request):
    end = ws.switch(conn, request)
    end.say(CREATED)
    assert b"response.create" in end.receive()[2]
    end.say(DONE)
    assert end.closed() == 1000
    end.close(1000)
    conn.close()


def test_a_session_begins_talks_and_ends(gateway, upstream):
    up = upstream(provider)
    gate = gateway(up)
    url = f"http://127.0.0.1:{gate.port}/v1"
    with openai.OpenAI(base_url=url, api_key="sk-client") as client:
        with client.realtime.connect(model="up/gpt-realtime") as session:
            assert session.recv().type == "session.created"
            session.response.create()
            event = session.recv()
            assert event.type == "response.done" and event.response.id == "resp_1"
    record = gate.wait_records()[0]
    assert record["outcome"] == "ok"
    assert record["usage"] == {"input": 5, "output": 4}
    assert record["websocket"] == {"closed_by": "client", "close_code": 1000, "messages_in": 1,
                                   "messages_out": 2}
    assert up.requests[0].target == "/v1/realtime?model=gpt-realtime"


def test_a_refusal_is_an_error_of_the_handshake(gateway, upstream):
    gate = gateway(upstream(lambda conn, request: conn.answer(error_json(), 429)))
    url = f"http://127.0.0.1:{gate.port}/v1"
    with openai.OpenAI(base_url=url, api_key="sk-client") as client:
        with pytest.raises(Exception) as failure:
            with client.realtime.connect(model="up/m"):
                pass
    assert "429" in str(failure.value)
