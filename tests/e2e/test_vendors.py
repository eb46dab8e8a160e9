"""Providers of the plugins that several vendors share: what reaches them, and what is made of what
they answer."""

import subprocess

from support.client import ask, chat
from support.places import HEADGATE
from support.upstream import DONE, plain, sse


def vendor(up, name, **more):
    return {"plugin": "compatible", "vendor": name, "base_url": up.url, **more}


def post(gate, body, headers=()):
    """A body is sent as the very bytes that it is."""
    return ask(gate.port, "POST", "/v1/chat/completions", body,
               {"Content-Type": "application/json", **dict(headers)})


def test_what_a_vendor_refuses_is_taken_out_and_nothing_else(gateway, upstream):
    up = upstream()
    gate = gateway(providers={"groq": vendor(up, "groq")})
    body = (b'{ "model": "groq/llama",  "logit_bias": {"7": 1}, "n": 1,\n'
            b'  "messages": [ {"role": "user", "content": "h\\u0069"} ], "temperature": 1E-1 }')
    assert post(gate, body).status == 200
    request = up.requests[0]
    assert request.body == (b'{ "model": "llama",\n'
                            b'  "messages": [ {"role": "user", "content": "h\\u0069"} ], '
                            b'"temperature": 1E-1 }')
    assert request.header("authorization") == "Bearer sk-canary-upstream-key"
    assert request.header("user-agent")


def test_what_cannot_be_said_is_the_clients_mistake(gateway, upstream):
    up = upstream()
    gate = gateway(providers={"groq": vendor(up, "groq")})
    answer = chat(gate.port, model="groq/llama", n=3)
    assert answer.status == 400
    assert "n must be 1" in answer.json()["error"]["message"]
    answer = chat(gate.port, model="groq/llama", seed=1, logprobs=True,
                  headers={"x-headgate-strict": "true"})
    assert answer.status == 400
    assert "does not take logprobs" in answer.json()["error"]["message"]
    assert not up.requests


def test_a_vendor_is_not_asked_for_what_it_does_not_have(gateway, upstream):
    up = upstream()
    gate = gateway(providers={"cerebras": vendor(up, "cerebras")})
    answer = ask(gate.port, "POST", "/v1/embeddings", {"model": "cerebras/m", "input": "x"})
    assert answer.status == 400
    assert "cerebras has no embeddings" in answer.json()["error"]["message"]
    assert not up.requests


def test_usage_on_the_last_chunk_is_counted_without_being_asked_for(gateway, upstream):
    def mistral(conn, request):
        assert "stream_options" not in request.json()
        assert request.json()["random_seed"] == 5
        chunk = {"id": "1", "object": "chat.completion.chunk", "created": 1, "model": "m"}
        conn.stream([
            sse({**chunk, "choices": [{"index": 0, "delta": {"role": "assistant", "content": "a"},
                                       "finish_reason": None}]}),
            sse({**chunk, "choices": [{"index": 0, "delta": {"content": "b"},
                                       "finish_reason": "stop"}],
                 "usage": {"prompt_tokens": 11, "completion_tokens": 4, "total_tokens": 15}}),
            DONE])

    gate = gateway(providers={"mistral": vendor(upstream(mistral), "mistral")})
    answer = chat(gate.port, model="mistral/m", stream=True, seed=5)
    assert answer.status == 200 and b"[DONE]" in answer.body
    record = gate.wait_records(1)[0]
    assert (record["usage"]["input"], record["usage"]["output"]) == (11, 4)


def test_an_error_within_a_200_is_an_error(gateway, upstream):
    def minimax(conn, request):
        conn.answer({"base_resp": {"status_code": 1008, "status_msg": "insufficient balance"}})

    gate = gateway(providers={"minimax": vendor(upstream(minimax), "minimax")})
    answer = chat(gate.port, model="minimax/m")
    assert answer.status == 402
    assert answer.json()["error"]["code"] == "insufficient_quota"


def test_headers_of_a_vendor_pass(gateway, upstream):
    up = upstream()
    gate = gateway(providers={"openrouter": vendor(up, "openrouter"), "groq": vendor(up, "groq")})
    headers = {"HTTP-Referer": "https://app.example", "X-Title": "App"}
    assert chat(gate.port, model="openrouter/m", headers=headers).status == 200
    assert up.requests[0].header("http-referer") == "https://app.example"
    assert chat(gate.port, model="groq/m", headers=headers).status == 200
    assert up.requests[1].header("http-referer") in (None, "")


def test_a_vendor_without_a_row_is_three_lines(gateway, upstream):
    def new(conn, request):
        assert request.header("x-key") == "Token sk-canary-upstream-key"
        body = request.json()
        assert "seed" not in body and "stream_options" not in body
        assert body["messages"][0]["role"] == "system" and body["max_tokens"] == 9
        plain(conn, request)

    up = upstream(new)
    gate = gateway(config=f'''
        provider "new" {{ plugin = "compatible", base_url = "{up.url}", auth = "x-key: Token",
                          api_key = secret "UP_KEY",
                          flags = {{ "no_stream_options" }}, refuses = {{ "seed" }} }}''')
    answer = ask(gate.port, "POST", "/v1/chat/completions", {
        "model": "new/m", "stream": True, "seed": 1, "max_completion_tokens": 9,
        "messages": [{"role": "developer", "content": "be brief"},
                     {"role": "user", "content": "hi"}]})
    assert answer.status == 200 and b"Hello" in answer.body


def test_settings_that_make_no_sense_are_told_before_the_start(gateway, upstream):
    gate = gateway(upstream())
    for settings, words in [('vendor = "grok"', 'no "grok" is known'),
                            ('vendor = "cloudflare"', "vars.account"),
                            ('base_url = "http://h", flags = { "no_stream" }', "flags")]:
        gate.write({}, f'provider "x" {{ plugin = "compatible", {settings} }}')
        result = subprocess.run([HEADGATE, "check", "-c", gate.folder / "headgate.lua"],
                                capture_output=True, text=True)
        assert result.returncode != 0
        assert words in result.stderr
