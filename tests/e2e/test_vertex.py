"""Vertex AI: tokens, URLs, and what Gemini and Claude get there."""

import base64
import json
import subprocess
import threading
import time
from urllib.parse import parse_qs

import pytest

from support.client import ask, chat
from support.gateway import secret
from support.upstream import chat_json, sse, tells_of_failure

PLACE = "/v1/projects/prj/locations/us-central1"
CLEAN = {name: "" for name in ("GOOGLE_APPLICATION_CREDENTIALS", "CLOUDSDK_CONFIG",
                               "GOOGLE_CLOUD_PROJECT", "GCLOUD_PROJECT", "GOOGLE_CLOUD_LOCATION",
                               "GOOGLE_CLOUD_REGION", "GCE_METADATA_HOST")}
GEMINI = {"candidates": [{"content": {"role": "model", "parts": [{"text": "Hi"}]},
                          "finishReason": "STOP", "index": 0}],
          "usageMetadata": {"promptTokenCount": 3, "candidatesTokenCount": 2,
                            "totalTokenCount": 5}, "modelVersion": "gemini-x"}
CLAUDE = {"id": "msg_1", "type": "message", "role": "assistant", "model": "claude-x",
          "content": [{"type": "text", "text": "Hi"}], "stop_reason": "end_turn",
          "stop_sequence": None, "usage": {"input_tokens": 3, "output_tokens": 2}}


@pytest.fixture(scope="module")
def key(tmp_path_factory):
    """A private key in PEM's form, and the file of its public half."""
    folder = tmp_path_factory.mktemp("key")
    subprocess.run(["openssl", "genpkey", "-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048",
                    "-out", folder / "key.pem"], check=True, capture_output=True)
    subprocess.run(["openssl", "pkey", "-in", folder / "key.pem", "-pubout", "-out",
                    folder / "public.pem"], check=True, capture_output=True)
    return (folder / "key.pem").read_text(), folder / "public.pem"


def padded(text):
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


class Google:
    """Tokens at /token; models elsewhere, for those tokens that are good."""

    def __init__(self, upstream, answer, tokens=("tok-1",), good=("tok-1",)):
        self.answer, self.tokens, self.good = answer, list(tokens), list(good)
        self.grants = []
        self.up = upstream(self.serve)
        self.base = self.up.url.removesuffix("/v1")

    def serve(self, conn, request):
        if request.target == "/token":
            self.grants.append({k: v[0] for k, v in parse_qs(request.body.decode()).items()})
            token = self.tokens[min(len(self.grants), len(self.tokens)) - 1]
            conn.answer({"access_token": token, "expires_in": 3599, "token_type": "Bearer"})
        elif (request.header("authorization") or "").removeprefix("Bearer ") not in self.good:
            conn.answer([{"error": {"code": 401, "message": "invalid credentials",
                                    "status": "UNAUTHENTICATED"}}], 401)
        else:
            self.answer(conn, request)

    @property
    def asked(self):
        return [one for one in self.up.requests if one.target != "/token"]

    def start(self, gateway, key, **more):
        account = {"type": "service_account", "project_id": "prj", "private_key_id": "k1",
                   "private_key": key[0], "client_email": "me@prj.iam.gserviceaccount.com",
                   "token_uri": self.base + "/token"}
        return gateway(providers={"vertex": {
            "plugin": "vertex", "location": "us-central1", "base_url": self.base, "api_key": None,
            "credentials": secret("VERTEX"), **more}},
            env={**CLEAN, "HOME": "/nonexistent", "VERTEX": json.dumps(account)})


def test_a_signed_assertion_becomes_one_token_for_all(gateway, upstream, key, tmp_path):
    google = Google(upstream, lambda conn, request: conn.answer(GEMINI))
    gate = google.start(gateway, key)
    answers = []
    threads = [threading.Thread(target=lambda: answers.append(chat(gate.port, model="gemini-x")))
               for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [one.status for one in answers] == [200] * 8
    [grant] = google.grants
    assert grant["grant_type"] == "urn:ietf:params:oauth:grant-type:jwt-bearer"
    head, claims, signature = grant["assertion"].split(".")
    assert json.loads(padded(head)) == {"alg": "RS256", "typ": "JWT", "kid": "k1"}
    said = json.loads(padded(claims))
    assert said["iss"] == "me@prj.iam.gserviceaccount.com" and said["aud"] == google.base + "/token"
    assert said["exp"] - said["iat"] == 3600 and abs(time.time() - said["iat"]) < 60
    (tmp_path / "text").write_text(f"{head}.{claims}")
    (tmp_path / "signature").write_bytes(padded(signature))
    subprocess.run(["openssl", "dgst", "-sha256", "-verify", key[1], "-signature",
                    tmp_path / "signature", tmp_path / "text"], check=True, capture_output=True)
    assert google.asked[0].target == f"{PLACE}/publishers/google/models/gemini-x:generateContent"
    assert not gate.find("PRIVATE KEY") and not gate.find("tok-1")
    assert not gate.find(grant["assertion"])


def test_a_refused_token_is_replaced_within_the_request(gateway, upstream, key):
    google = Google(upstream, lambda conn, request: conn.answer(GEMINI), ["tok-1", "tok-2"],
                    ["tok-2"])
    gate = google.start(gateway, key)
    assert chat(gate.port, model="gemini-x").status == 200
    assert len(google.grants) == 2 and len(google.asked) == 2
    google.good.clear()
    for _ in range(2):
        answer = chat(gate.port, model="gemini-x")
        assert answer.status == 401
        assert "invalid credentials" in answer.json()["error"]["message"]
    assert len(google.grants) == 2


def test_without_a_token_the_client_learns_no_secret(gateway, upstream, key):
    def refuses(conn, request):
        conn.answer({"error": "invalid_grant", "error_description": "canary"}, 400)

    google = Google(upstream, refuses)
    google.serve = google.up.handler = refuses
    gate = google.start(gateway, key)
    answer = chat(gate.port, model="gemini-x")
    assert answer.status >= 400 and b"canary" not in answer.body
    gate.wait_line("invalid_grant")
    assert not gate.find("canary") and not gate.find("PRIVATE KEY")


def test_the_metadata_server_gives_tokens_too(gateway, upstream):
    def serve(conn, request):
        if request.target.startswith("/computeMetadata/"):
            assert request.method == "GET" and request.header("metadata-flavor") == "Google"
            conn.answer({"access_token": "tok-m", "expires_in": 3599, "token_type": "Bearer"})
        else:
            assert request.header("authorization") == "Bearer tok-m"
            conn.answer(GEMINI)

    up = upstream(serve)
    base = up.url.removesuffix("/v1")
    gate = gateway(providers={"vertex": {"plugin": "vertex", "project": "prj", "api_key": None,
                                         "base_url": base, "metadata_url": base}}, env=CLEAN)
    assert chat(gate.port, model="gemini-x").status == 200
    assert up.requests[0].target == "/computeMetadata/v1/instance/service-accounts/default/token"


# ---- Gemini


def test_calls_have_no_ids_for_gemini(gateway, upstream, key):
    """Pitfall 173."""
    google = Google(upstream, lambda conn, request: conn.answer(GEMINI))
    gate = google.start(gateway, key)
    call = {"id": "call_1", "type": "function", "function": {"name": "f", "arguments": "{}"}}
    answer = ask(gate.port, "POST", "/v1/chat/completions", {
        "model": "gemini-x", "temperature": 0, "max_tokens": 9,
        "messages": [{"role": "user", "content": [
            {"type": "text", "text": "see"},
            {"type": "image_url", "image_url": {"url": "gs://bucket/a.png"}}]},
            {"role": "assistant", "content": None, "tool_calls": [call]},
            {"role": "tool", "tool_call_id": "call_1", "content": "ok"}],
        "tools": [{"type": "function", "function": {"name": "f"}}]})
    assert answer.json()["choices"][0]["message"]["content"] == "Hi"
    [request] = google.asked
    assert b"call_1" not in request.body
    sent = request.json()
    # Pitfall 118: names in camel case.
    assert sent["generationConfig"]["maxOutputTokens"] == 9 and b"_" not in b"".join(
        key.encode() for key in sent)
    # Pitfall 95: what lies in Cloud Storage is told as it is.
    assert sent["contents"][0]["parts"][1]["fileData"]["fileUri"] == "gs://bucket/a.png"


def test_a_stream_of_gemini_reaches_a_client_of_openai(gateway, upstream, key):
    def streams(conn, request):
        assert request.target.endswith(":streamGenerateContent?alt=sse")
        part = {"candidates": [{"content": {"role": "model", "parts": [{"text": "Hel"}]},
                                "index": 0}]}
        conn.stream([sse(part), sse(GEMINI)])

    google = Google(upstream, streams)
    answer = chat(google.start(gateway, key).port, model="gemini-x", stream=True)
    texts = [json.loads(data)["choices"] for _, data in answer.events() if data != "[DONE]"]
    assert "".join(c[0]["delta"].get("content") or "" for c in texts if c) == "HelHi"


def test_a_client_of_vertex_passes_into_our_project(gateway, upstream, key):
    google = Google(upstream, lambda conn, request: conn.answer(GEMINI))
    gate = google.start(gateway, key)
    body = b'{"contents":  [{"role":"user","parts":[{"text":"h\\u0069"}]}], "x": 1}'
    for method in ("generateContent", "countTokens"):
        answer = ask(gate.port, "POST", "/v1/projects/theirs/locations/asia-east1/publishers/google"
                     f"/models/gemini-x:{method}", body, {"Content-Type": "application/json"})
        assert answer.json() == GEMINI
        assert google.asked[-1].body == body
        assert google.asked[-1].target == f"{PLACE}/publishers/google/models/gemini-x:{method}"


def test_embeddings_are_predictions(gateway, upstream, key):
    def predicts(conn, request):
        assert request.json() == {"instances": [{"content": "a"}, {"content": "b"}],
                                  "parameters": {"outputDimensionality": 1}}
        conn.answer({"predictions": [
            {"embeddings": {"values": [value], "statistics": {"token_count": 2}}}
            for value in (0.5, 1.5)]})

    google = Google(upstream, predicts)
    gate = google.start(gateway, key)
    answer = ask(gate.port, "POST", "/v1/embeddings", {
        "model": "text-embedding-005", "input": ["a", "b"], "dimensions": 1}).json()
    assert [item["embedding"] for item in answer["data"]] == [[0.5], [1.5]]
    assert answer["usage"]["prompt_tokens"] == 4
    answer = ask(gate.port, "POST", "/v1/embeddings", {
        "model": "gemini-embedding-001", "input": ["a", "b"]})
    assert answer.status == 400 and "one text" in answer.json()["error"]["message"]


def test_a_newer_embedding_is_one_content(gateway, upstream, key):
    def embeds(conn, request):
        assert request.target.endswith("/gemini-embedding-2:embedContent")
        assert request.json() == {"content": {"parts": [{"text": "a"}]}}
        conn.answer({"embedding": {"values": [0.5]}})

    gate = Google(upstream, embeds).start(gateway, key)
    answer = ask(gate.port, "POST", "/v1/embeddings", {"model": "gemini-embedding-2", "input": "a"})
    assert answer.json()["data"][0]["embedding"] == [0.5]


# ---- Claude


def test_claude_has_its_own_body(gateway, upstream, key):
    google = Google(upstream, lambda conn, request: conn.answer(CLAUDE))
    gate = google.start(gateway, key)
    body = {"model": "claude-x", "max_tokens": 9, "messages": [{"role": "user", "content": "Hi"}],
            "output_config": {"effort": "low"}, "x-new": [1]}
    answer = ask(gate.port, "POST", "/v1/messages", body, {
        "anthropic-beta": "context-1m-2025-08-07,files-api-2025-04-14"})
    assert answer.json() == CLAUDE
    [request] = google.asked
    assert request.target == f"{PLACE}/publishers/anthropic/models/claude-x:rawPredict"
    del body["model"]
    # Pitfall 117: nothing that the client said is lost.
    assert request.json() == {**body, "anthropic_version": "vertex-2023-10-16"}
    assert request.header("anthropic-beta") == "context-1m-2025-08-07"
    answer = ask(gate.port, "POST", "/v1/messages/count_tokens",
                 {"model": "claude-x", "messages": body["messages"]})
    assert google.asked[-1].target.endswith("/models/count-tokens:rawPredict")
    assert google.asked[-1].json()["model"] == "claude-x"


def test_tokens_are_counted_by_either_for_either(gateway, upstream, key):
    def counts(conn, request):
        conn.answer({"input_tokens": 5} if "anthropic" in request.target else {"totalTokens": 6})

    google = Google(upstream, counts)
    gate = google.start(gateway, key)
    messages = [{"role": "user", "content": "Hi"}]
    answer = ask(gate.port, "POST", "/v1/messages/count_tokens",
                 {"model": "gemini-x", "messages": messages})
    assert answer.json()["input_tokens"] == 6
    assert google.asked[-1].target.endswith("/google/models/gemini-x:countTokens")
    sent = google.asked[-1].json()
    assert sent["contents"] == [{"role": "user", "parts": [{"text": "Hi"}]}] and "model" not in sent
    answer = ask(gate.port, "POST", "/v1beta/models/claude-x:countTokens",
                 {"contents": [{"role": "user", "parts": [{"text": "Hi"}]}]})
    assert answer.json()["totalTokens"] == 5
    sent = google.asked[-1].json()
    assert sent["model"] == "claude-x" and sent["anthropic_version"] == "vertex-2023-10-16"


def test_a_client_of_openai_asks_claude(gateway, upstream, key):
    google = Google(upstream, lambda conn, request: conn.answer(CLAUDE))
    answer = chat(google.start(gateway, key).port, model="claude-x", max_tokens=9)
    assert answer.json()["choices"][0]["message"]["content"] == "Hi"
    sent = google.asked[0].json()
    assert sent["anthropic_version"] == "vertex-2023-10-16" and "model" not in sent


def test_a_stream_of_claude_that_is_cut_is_told_so(gateway, upstream, key):
    def cuts(conn, request):
        assert request.target.endswith(":streamRawPredict") and request.json()["stream"] is True
        conn.head(content_type="text/event-stream")
        conn.chunk(b'event: message_start\ndata: {"type":"message_start","message":{"id":"m",'
                   b'"model":"c","usage":{"input_tokens":3}}}\n\nevent: content_block_start\n'
                   b'data: {"type":"content_block_start","index":0,"content_block":{"type":"text",'
                   b'"text":""}}\n\nevent: content_block_delta\ndata: {"type":'
                   b'"content_block_delta","index":0,"delta":{"type":"text_delta","text":"Hi"}}\n\n')
        conn.reset()

    answer = chat(Google(upstream, cuts).start(gateway, key).port, model="claude-x", stream=True)
    assert answer.status >= 500 or tells_of_failure(answer.body)


# ---- others, and errors


def test_other_publishers_speak_openais_format(gateway, upstream, key):
    google = Google(upstream, lambda conn, request: conn.answer(chat_json("Hi")))
    gate = google.start(gateway, key)
    for model, path, sent in [
            ("meta/llama-4-maas", "endpoints/openapi/chat/completions", "meta/llama-4-maas"),
            ("mistral-large-2411", "publishers/mistralai/models/mistral-large-2411:rawPredict",
             "mistral-large-2411")]:
        assert chat(gate.port, model=model).status == 200
        assert google.asked[-1].target == f"{PLACE}/{path}"
        assert google.asked[-1].json()["model"] == sent


def test_errors_keep_their_status(gateway, upstream, key):
    """Pitfall 153."""
    def fails(conn, request):
        conn.answer([{"error": {"code": 429, "message": "slow down",
                                "status": "RESOURCE_EXHAUSTED", "details": [
                                    {"@type": "RetryInfo", "retryDelay": "7s"}]}}], 429)

    gate = Google(upstream, fails).start(gateway, key)
    answer = chat(gate.port, model="gemini-x")
    assert answer.status == 429 and answer.json()["error"]["message"] == "slow down"
    assert answer.header("retry-after") == "7"
    answer = ask(gate.port, "POST", "/v1/messages", {
        "model": "claude-x", "max_tokens": 9, "messages": [{"role": "user", "content": "Hi"}]})
    assert answer.status == 429 and answer.json()["type"] == "error"
