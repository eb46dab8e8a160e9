"""Names of models: aliases, the merged list, and counting tokens."""

import json

from support.client import ask, chat
from support.upstream import chat_json


def named(up, alias, **more):
    return {"providers": {"first": up.url, "second": up.url}, "config": f"aliases {{ {alias} }}", **more}


def test_an_alias_stands_for_a_provider_and_its_model(gateway, upstream):
    up = upstream(lambda conn, request: conn.answer(chat_json()))
    gate = gateway(**named(up, 'fast = "second/m-2", ["gpt-4"] = "second/team/m"'))
    for alias, model in (("fast", "m-2"), ("gpt-4", "team/m"), ("faster", "faster")):
        answer = chat(gate.port, model=alias)
        assert answer.status == 200
        assert up.requests[-1].json()["model"] == model
    records = gate.wait_records(3)
    assert [record["attempts"][0]["target"] for record in records] == ["second", "second", "first"]
    assert records[0]["model"] == "fast"


def test_an_alias_is_what_a_route_sees(gateway, upstream):
    up = upstream(lambda conn, request: conn.answer(chat_json()))
    route = """local s = require "headgate"
    local ask = s.target "second"
    return s.route { path = "/...", handler = function(req)
      req:tag("model", req.model)
      return ask(req)
    end }"""
    gate = gateway(**named(up, 'fast = "second/m-2"', routes={"a.lua": route}))
    assert chat(gate.port, model="fast").status == 200
    assert up.requests[-1].json()["model"] == "m-2"
    assert gate.wait_records()[0]["tags"]["model"] == "second/m-2"


def test_an_alias_is_known_in_a_path_as_well(gateway, upstream):
    up = upstream(lambda conn, request: conn.answer(chat_json()))
    gate = gateway(**named(up, 'fast = "second/m-2"'))
    answer = ask(gate.port, "POST", "/v1beta/models/fast:generateContent",
                 json.dumps({"contents": [{"parts": [{"text": "Hi"}]}]}).encode(),
                 {"Content-Type": "application/json"})
    assert answer.status == 200
    assert up.requests[-1].json()["model"] == "m-2"
