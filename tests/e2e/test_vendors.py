"""Providers of the plugins that several vendors share: what reaches them, and what is made of what
they answer."""

import json
import subprocess
import threading

from support.client import ask, chat
from support.gateway import secret
from support.places import HEADGATE
from support.upstream import DONE, chat_events, chat_json, plain, sse


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


# ---- Azure

SAFE = {"hate": {"filtered": False, "severity": "safe"}}


def azure(up, **more):
    return {"plugin": "azure", "base_url": up.url.removesuffix("/v1"), **more}


def test_an_azure_deployment_is_in_the_url(gateway, upstream):
    def handler(conn, request):
        assert request.header("api-key") == "sk-canary-upstream-key"
        assert request.header("authorization") in (None, "")
        plain(conn, request)

    up = upstream(handler)
    gate = gateway(providers={
        "dated": azure(up, api_version="2024-10-21", deployments={"gpt-4o": "eu"}),
        "v1": azure(up)})
    assert chat(gate.port, model="dated/gpt-4o").status == 200
    assert chat(gate.port, model="v1/gpt-4o").status == 200
    assert [one.start.split()[1] for one in up.requests] == [
        "/openai/deployments/eu/chat/completions?api-version=2024-10-21",
        "/openai/v1/chat/completions"]


def test_azures_first_chunk_has_no_choices(gateway, upstream):
    first = {"id": "", "object": "", "created": 0, "model": "", "choices": [],
             "prompt_filter_results": [{"prompt_index": 0, "content_filter_results": SAFE}]}
    late = {"id": "", "object": "", "created": 0, "model": "", "choices": [
        {"index": 0, "finish_reason": None, "content_filter_results": SAFE,
         "content_filter_offsets": {"check_offset": 1, "start_offset": 1, "end_offset": 9}}]}

    def handler(conn, request):
        events = list(chat_events(["Hello"]))
        conn.stream([first, *events[:-1], late, *events[-1:]])

    gate = gateway(providers={"azure": azure(upstream(handler))})
    answer = chat(gate.port, model="azure/gpt", stream=True)
    assert answer.status == 200
    assert b"prompt_filter_results" in answer.body and b"Hello" in answer.body
    record = gate.wait_records(1)[0]
    assert record["usage"]["output"] > 0


def test_a_prompt_that_azure_filters_is_no_failure_of_ours(gateway, upstream):
    def handler(conn, request):
        conn.answer({"error": {"message": "The response was filtered", "type": None,
                               "param": "prompt", "code": "content_filter", "status": 400,
                               "innererror": {"code": "ResponsibleAIPolicyViolation"}}}, 400)

    gate = gateway(providers={"azure": azure(upstream(handler))})
    answer = chat(gate.port, model="azure/gpt")
    assert answer.status == 400
    assert b"The response was filtered" in answer.body


def test_a_token_of_entra_id_is_asked_for_once(gateway, upstream):
    """Eight clients come before there is a token."""
    lock, tokens = threading.Lock(), []

    def handler(conn, request):
        if "/oauth2/v2.0/token" in request.start:
            assert request.header("content-type") == "application/x-www-form-urlencoded"
            assert request.body == (b"grant_type=client_credentials&client_id=app"
                                    b"&client_secret=sk-canary-upstream-key"
                                    b"&scope=https%3A%2F%2Fcognitiveservices.azure.com%2F.default")
            with lock:
                tokens.append(request)
            conn.answer({"token_type": "Bearer", "expires_in": 3600, "access_token": "tok-1"})
        elif request.header("authorization") == "Bearer tok-1":
            conn.answer(chat_json())
        else:
            conn.answer({"error": {"code": "401", "message": "no"}}, 401)

    up = upstream(handler)
    gate = gateway(providers={"azure": azure(
        up, api_key=None, tenant="ten", client_id="app", client_secret=secret("UP_KEY"),
        authority=up.url.removesuffix("/v1"))})
    answers = []
    threads = [threading.Thread(target=lambda: answers.append(chat(gate.port, model="azure/gpt")))
               for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [one.status for one in answers] == [200] * 8
    assert len(tokens) == 1
    assert "api-key" not in json.dumps([one.headers for one in up.requests])


def test_a_token_that_is_refused_is_replaced_within_the_request(gateway, upstream):
    """And only once: what is refused for another reason stays refused."""
    tokens, good = [], []

    def handler(conn, request):
        if "/oauth2/v2.0/token" in request.start:
            tokens.append(f"tok-{len(tokens)}")
            conn.answer({"token_type": "Bearer", "expires_in": 3600, "access_token": tokens[-1]})
        elif request.header("authorization").removeprefix("Bearer ") in good:
            conn.answer(chat_json("hello"))
        else:
            conn.answer({"error": {"code": "401", "message": "expired"}}, 401)

    up = upstream(handler)
    gate = gateway(providers={"azure": azure(
        up, api_key=None, tenant="ten", client_id="app", client_secret=secret("UP_KEY"),
        authority=up.url.removesuffix("/v1"))})
    good.append("tok-1")
    assert chat(gate.port, model="azure/gpt").json()["choices"][0]["message"]["content"] == "hello"
    assert len(tokens) == 2
    good.clear()
    for _ in range(2):
        assert chat(gate.port, model="azure/gpt").status == 401
    assert len(tokens) == 2


def test_without_a_token_the_client_learns_no_secret(gateway, upstream):
    def handler(conn, request):
        conn.answer({"error": "invalid_client",
                     "error_description": "wrong: sk-canary-upstream-key"}, 401)

    up = upstream(handler)
    gate = gateway(providers={"azure": azure(
        up, api_key=None, tenant="ten", client_id="app", client_secret=secret("UP_KEY"),
        authority=up.url.removesuffix("/v1"))})
    answer = chat(gate.port, model="azure/gpt")
    assert answer.status >= 400
    assert b"canary" not in answer.body
    gate.wait_line("invalid_client")
    assert not gate.find("canary")


def test_a_client_of_another_dialect_reaches_a_vendor_as_it_wants(gateway, upstream):
    up = upstream()
    gate = gateway(providers={"deepseek": vendor(up, "deepseek")})
    answer = ask(gate.port, "POST", "/v1/messages", {
        "model": "deepseek/m", "max_tokens": 9, "metadata": {"user_id": "u"},
        "tools": [{"name": "f", "input_schema": {"type": "object"}}],
        "tool_choice": {"type": "any"}, "messages": [{"role": "user", "content": "hi"}]})
    assert answer.status == 200
    sent = up.requests[0].json()
    assert sent["max_tokens"] == 9 and sent["model"] == "m"
    assert sent["tool_choice"] == "auto" and sent["tools"]
    assert "metadata" not in sent
