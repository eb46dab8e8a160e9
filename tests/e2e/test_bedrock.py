"""Bedrock: signatures, credentials, and its own clients and streams."""

import hashlib
import hmac
import json
import re
import struct
import threading
import time
import zlib

from support.client import ask, chat
from support.upstream import chat_events, chat_json
from support.wait import wait_for

HEAD = 'local s = require "headgate"\n'
MODEL = "us.anthropic.claude-sonnet-4-5-20250929-v1:0"
KEYS = {"access_key_id": "AKIDEXAMPLE", "secret_access_key": "canary-secret"}
STREAM = "application/vnd.amazon.eventstream"


def route(target, path="/v1/chat/completions"):
    return {"r.lua": HEAD + f'return s.route {{ path = "{path}", handler = s.target("{target}") }}\n'}


def bedrock(up, **settings):
    return {"plugin": "bedrock", "region": "us-east-1", "base_url": up.url[:-3], "api_key": None,
            **settings}


def converse_json(text="Hello there"):
    return {"output": {"message": {"role": "assistant", "content": [{"text": text}]}},
            "stopReason": "end_turn", "metrics": {"latencyMs": 5},
            "usage": {"inputTokens": 7, "outputTokens": 2, "totalTokens": 9}}


# ---- event streams


def frame(name, document, kind="event"):
    def header(key, value):
        return bytes([len(key)]) + key.encode() + b"\x07" + struct.pack(">H", len(value)) + value.encode()

    name_key = ":event-type" if kind == "event" else ":exception-type"
    headers = (header(name_key, name) + header(":content-type", "application/json")
               + header(":message-type", kind))
    data = json.dumps(document).encode()
    start = struct.pack(">II", 16 + len(headers) + len(data), len(headers))
    start += struct.pack(">I", zlib.crc32(start)) + headers + data
    return start + struct.pack(">I", zlib.crc32(start))


def frames(body):
    """Names and documents; every checksum must be right."""
    found = []
    while body:
        total, headers = struct.unpack(">II", body[:8])
        assert struct.unpack(">I", body[8:12])[0] == zlib.crc32(body[:8])
        assert struct.unpack(">I", body[total - 4:total])[0] == zlib.crc32(body[:total - 4])
        name = re.search(rb":(?:event|exception)-type\x07..(\w+)\x0d", body[12:12 + headers], re.S)
        found.append((name.group(1).decode(), json.loads(body[12 + headers:total - 4])))
        body = body[total:]
    return found


EVENTS = [frame("messageStart", {"role": "assistant"}),
          frame("contentBlockDelta", {"contentBlockIndex": 0, "delta": {"text": "Hel"}}),
          frame("contentBlockDelta", {"contentBlockIndex": 0, "delta": {"text": "lo"}}),
          frame("contentBlockStop", {"contentBlockIndex": 0}),
          frame("messageStop", {"stopReason": "end_turn"}),
          frame("metadata", {"usage": {"inputTokens": 7, "outputTokens": 2, "totalTokens": 9},
                             "metrics": {"latencyMs": 3}})]


def streams(conn, request):
    conn.head(content_type=STREAM)
    whole = b"".join(EVENTS)
    for at in range(0, len(whole), 37):
        conn.chunk(whole[at:at + 37])
    conn.end_chunks()


# ---- signatures


def is_signed(request, key, secret, service="bedrock", token=None):
    """By the rules of AWS, computed here from what arrived."""
    said = re.fullmatch(r"AWS4-HMAC-SHA256 Credential=([^/]+)/(\d{8})/([^/]+)/([^/]+)/aws4_request, "
                        r"SignedHeaders=([^,]+), Signature=([0-9a-f]{64})",
                        request.header("authorization"))
    assert said, request.header("authorization")
    key_id, day, region, name, signed, signature = said.groups()
    assert (key_id, name) == (key, service)
    assert request.header("x-amz-security-token") == token
    path = request.target.partition("?")[0].replace("%", "%25").replace(":", "%3A")
    lines = [request.method, path, request.target.partition("?")[2]]
    lines += [f"{field}:{request.header(field).strip()}" for field in signed.split(";")]
    lines += ["", signed, hashlib.sha256(request.body).hexdigest()]
    text = "\n".join(["AWS4-HMAC-SHA256", request.header("x-amz-date"),
                      f"{day}/{region}/{name}/aws4_request",
                      hashlib.sha256("\n".join(lines).encode()).hexdigest()])
    made = ("AWS4" + secret).encode()
    for part in (day, region, name, "aws4_request", text):
        made = hmac.new(made, part.encode(), hashlib.sha256).digest()
    return made.hex() == signature and {"host", "content-type", "x-amz-date"} <= set(signed.split(";"))


def test_a_request_is_translated_and_its_final_bytes_are_signed(gateway, upstream):
    up = upstream(lambda conn, request: conn.answer(converse_json()))
    gw = gateway(providers={"aws": bedrock(up, **KEYS, session_token="tok")}, routes=route(f"aws/{MODEL}"))
    answer = chat(gw.port, "Hi").json()
    assert answer["choices"][0]["message"]["content"] == "Hello there"
    assert answer["usage"]["prompt_tokens"] == 7
    assert answer["model"] == MODEL
    request = up.requests[0]
    assert request.target == f"/model/{MODEL.replace(':', '%3A')}/converse"
    assert is_signed(request, "AKIDEXAMPLE", "canary-secret", token="tok")
    assert request.json()["messages"] == [{"role": "user", "content": [{"text": "Hi"}]}]


def test_a_stream_of_frames_becomes_one_of_chunks(gateway, upstream):
    up = upstream(streams)
    gw = gateway(providers={"aws": bedrock(up, api_key="bk")}, routes=route(f"aws/{MODEL}"))
    events = chat(gw.port, "Hi", stream=True).events()
    texts = [json.loads(data)["choices"] for _, data in events if not data.startswith("[DONE]")]
    assert "".join(c[0]["delta"].get("content", "") for c in texts if c) == "Hello"
    assert up.requests[0].header("authorization") == "Bearer bk"
    assert up.requests[0].target.endswith("/converse-stream")


def test_a_client_of_bedrock_passes_through_byte_for_byte(gateway, upstream):
    up = upstream(streams)
    gw = gateway(providers={"aws": bedrock(up, **KEYS)}, routes=route("aws/other.model", "/model/*"))
    body = json.dumps({"messages": [{"role": "user", "content": [{"text": "Hi"}]}], "x": 1})
    answer = ask(gw.port, "POST", "/model/a.b/converse-stream", body.encode(),
                 [("content-type", "application/json")])
    assert answer.body == b"".join(EVENTS)
    assert answer.header("content-type") == STREAM
    assert up.requests[0].body == body.encode()
    assert up.requests[0].target == "/model/other.model/converse-stream"


def test_what_a_route_changes_is_signed_too(gateway, upstream):
    up = upstream(lambda conn, request: conn.answer(converse_json()))
    handler = 's.target("aws/m", { requestMetadata = { a = "b" } })'
    gw = gateway(providers={"aws": bedrock(up, **KEYS)}, routes={
        "r.lua": HEAD + f'return s.route {{ path = "/model/*", handler = {handler} }}\n'})
    body = json.dumps({"messages": [{"role": "user", "content": [{"text": "Hi"}]}]}).encode()
    ask(gw.port, "POST", "/model/a/converse", body, [("content-type", "application/json")])
    assert up.requests[0].json()["requestMetadata"] == {"a": "b"}
    assert is_signed(up.requests[0], "AKIDEXAMPLE", "canary-secret")


def test_a_client_of_bedrock_is_served_by_another_provider(gateway, upstream):
    up = upstream(lambda conn, request: conn.stream(chat_events(["Hel", "lo"]))
                  if request.json().get("stream") else conn.answer(chat_json("Hello")))
    gw = gateway(providers={"up": up.url}, routes=route("up/m-1", "/model/*"))
    body = json.dumps({"messages": [{"role": "user", "content": [{"text": "Hi"}]}]}).encode()
    headers = [("content-type", "application/json")]
    answer = ask(gw.port, "POST", "/model/a/converse", body, headers).json()
    assert answer["output"]["message"]["content"] == [{"text": "Hello"}]
    assert answer["stopReason"] == "end_turn"
    answer = ask(gw.port, "POST", "/model/a/converse-stream", body, headers)
    found = frames(answer.body)
    assert [name for name, _ in found][0] == "messageStart"
    assert [name for name, _ in found][-2:] == ["messageStop", "metadata"]
    assert "".join(d["delta"]["text"] for n, d in found if n == "contentBlockDelta") == "Hello"
    assert answer.header("content-type") == STREAM


def test_tokens_are_counted_for_the_model_without_its_region(gateway, upstream):
    # Pitfall 165.
    up = upstream(lambda conn, request: conn.answer({"inputTokens": 3}))
    gw = gateway(providers={"aws": bedrock(up, **KEYS)})
    for model, target in [("us.anthropic.claude-x", "anthropic.claude-x"), ("anthropic.c", "anthropic.c"),
                          ("global.anthropic.c", "anthropic.c")]:
        answer = ask(gw.port, "POST", f"/model/{model}/count-tokens", {"input": {}})
        assert answer.json() == {"inputTokens": 3}, answer.body
        assert up.requests[-1].target == f"/model/{target}/count-tokens"
        assert is_signed(up.requests[-1], "AKIDEXAMPLE", "canary-secret")


def test_errors_keep_their_status(gateway, upstream):
    # Pitfall 153, as far as it is Bedrock's.
    statuses = iter([400, 404, 408, 413, 424, 429, 500, 503])

    def handler(conn, request):
        conn.answer({"message": "this is why"}, handler.status,
                    headers=[("x-amzn-errortype", "AnException:http://internal/")])

    gw = gateway(providers={"aws": bedrock(upstream(handler), **KEYS)}, routes=route(f"aws/{MODEL}"))
    for status in statuses:
        handler.status = status
        for stream in (False, True):
            answer = chat(gw.port, "Hi", stream=stream)
            assert answer.status == status, answer.body
            assert answer.json()["error"]["message"] == "this is why"


def test_errors_have_the_type_that_sdks_read(gateway, upstream):
    def handler(conn, request):
        conn.answer({"message": "Too many requests"}, 429,
                    headers=[("x-amzn-errortype", "ThrottlingException:http://internal/")])

    up = upstream(handler)
    gw = gateway(providers={"aws": bedrock(up, **KEYS)}, routes={**route(f"aws/{MODEL}"), "n.lua": route(
        f"aws/{MODEL}", "/model/*")["r.lua"]})
    answer = chat(gw.port, "Hi")
    assert answer.status == 429
    assert answer.json()["error"]["message"] == "Too many requests"
    answer = ask(gw.port, "POST", "/model/a/converse", b'{"messages":[]}',
                 [("content-type", "application/json")])
    assert answer.status == 429
    assert answer.header("x-amzn-errortype").startswith("ThrottlingException")
    assert answer.json() == {"message": "Too many requests"}


def test_an_exception_in_mid_stream_is_an_error_for_the_client(gateway, upstream):
    def handler(conn, request):
        conn.head(content_type=STREAM)
        for event in EVENTS[:2] + [frame("throttlingException", {"message": "slow"}, "exception")]:
            conn.chunk(event)
        conn.end_chunks()

    up = upstream(handler)
    gw = gateway(providers={"aws": bedrock(up, **KEYS)}, routes=route(f"aws/{MODEL}"))
    body = chat(gw.port, "Hi", stream=True).body
    assert b'"error"' in body and b"slow" in body and b'"finish_reason":"stop"' not in body


def test_embeddings_of_titan_and_cohere(gateway, upstream):
    # Pitfall 146: Cohere's tokens are told in a header field.
    def handler(conn, request):
        if "texts" in request.json():
            conn.answer({"embeddings": [[0.5], [1.5]]},
                        headers=[("x-amzn-bedrock-input-token-count", "9")])
        else:
            conn.answer({"embedding": [0.25, 1], "inputTextTokenCount": 3})

    up = upstream(handler)
    for model, given, vectors, tokens in [
            ("amazon.titan-embed-text-v2:0", "a", [[0.25, 1]], 3),
            ("cohere.embed-english-v3", ["a", "b"], [[0.5], [1.5]], 9)]:
        gw = gateway(providers={"aws": bedrock(up, **KEYS)}, routes=route(f"aws/{model}", "/v1/embeddings"))
        answer = ask(gw.port, "POST", "/v1/embeddings",
                     json.dumps({"model": "e", "input": given}).encode(),
                     [("content-type", "application/json")]).json()
        assert [item["embedding"] for item in answer["data"]] == vectors
        assert answer["usage"]["prompt_tokens"] == tokens
        assert is_signed(up.requests[-1], "AKIDEXAMPLE", "canary-secret")


# ---- credentials


def moment(seconds):
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() + seconds))


def sts_xml(key, seconds=3600):
    return (f"<R><Credentials><AccessKeyId>{key}</AccessKeyId><SecretAccessKey>s-{key}"
            f"</SecretAccessKey><SessionToken>t-{key}</SessionToken><Expiration>{moment(seconds)}"
            f"</Expiration></Credentials></R>").encode()


def keys_json(key, seconds=3600):
    return {"AccessKeyId": key, "SecretAccessKey": f"s-{key}", "Token": f"t-{key}",
            "Expiration": moment(seconds)}


CLEAN = {name: "" for name in ("AWS_ACCESS_KEY_ID", "AWS_PROFILE", "AWS_WEB_IDENTITY_TOKEN_FILE",
                               "AWS_BEARER_TOKEN_BEDROCK", "AWS_CONTAINER_CREDENTIALS_FULL_URI")}


def served(gateway, upstream, endpoint, env=None, key="ROLE", **settings):
    """A request with credentials from a scripted endpoint; both ends."""
    up = upstream(lambda conn, request: conn.answer(converse_json()))
    gw = gateway(providers={"aws": bedrock(up, **settings)}, routes=route(f"aws/{MODEL}"),
                 env={**CLEAN, "HOME": "/nonexistent", **(env or {})})
    assert chat(gw.port, "Hi").status == 200
    assert is_signed(up.requests[0], key, f"s-{key}", token=f"t-{key}")
    assert chat(gw.port, "Again").status == 200
    return up, gw, endpoint


def test_a_role_is_assumed_with_a_signed_request(gateway, upstream):
    sts = upstream(lambda conn, request: conn.answer(sts_xml("ROLE"), content_type="text/xml"))
    served(gateway, upstream, sts, **KEYS, sts_url=sts.url[:-3] + "/",
           role_arn="arn:aws:iam::1:role/r", external_id="x y")
    assert len(sts.requests) == 1
    assert is_signed(sts.requests[0], "AKIDEXAMPLE", "canary-secret", "sts")
    assert sts.requests[0].body == (b"Action=AssumeRole&Version=2011-06-15&RoleArn=arn%3Aaws%3Aiam"
                                    b"%3A%3A1%3Arole%2Fr&RoleSessionName=headgate&ExternalId=x%20y")


def test_a_web_identity_becomes_credentials(gateway, upstream, tmp_path):
    (tmp_path / "token").write_text("jwt.jwt\n")
    sts = upstream(lambda conn, request: conn.answer(sts_xml("ROLE"), content_type="text/xml"))
    served(gateway, upstream, sts, sts_url=sts.url[:-3] + "/",
           env={"AWS_WEB_IDENTITY_TOKEN_FILE": str(tmp_path / "token"), "AWS_ROLE_ARN": "arn:r"})
    assert len(sts.requests) == 1
    assert sts.requests[0].header("authorization") is None
    assert b"WebIdentityToken=jwt.jwt" in sts.requests[0].body


def test_a_container_has_an_endpoint(gateway, upstream):
    ecs = upstream(lambda conn, request: conn.answer(keys_json("ROLE")))
    served(gateway, upstream, ecs, env={"AWS_CONTAINER_CREDENTIALS_FULL_URI": ecs.url + "/c",
                                        "AWS_CONTAINER_AUTHORIZATION_TOKEN": "secret-word"})
    assert [r.target for r in ecs.requests] == ["/v1/c"]
    assert ecs.requests[0].header("authorization") == "secret-word"


def test_an_instance_has_metadata(gateway, upstream):
    def handler(conn, request):
        if request.method == "PUT":
            conn.answer(b"session", content_type="text/plain")
        elif request.target.endswith("/"):
            conn.answer(b"my-role", content_type="text/plain")
        else:
            conn.answer(keys_json("ROLE"))

    imds = upstream(handler)
    served(gateway, upstream, imds, metadata_url=imds.url[:-3])
    assert [r.target for r in imds.requests] == [
        "/latest/api/token", "/latest/meta-data/iam/security-credentials/",
        "/latest/meta-data/iam/security-credentials/my-role"]
    assert imds.requests[2].header("x-aws-ec2-metadata-token") == "session"


def test_a_profile_has_credentials_and_a_region(gateway, upstream, tmp_path):
    (tmp_path / ".aws").mkdir()
    (tmp_path / ".aws/credentials").write_text(
        "[default]\naws_access_key_id=NO\naws_secret_access_key=no\n[work]\n"
        "aws_access_key_id = ROLE\naws_secret_access_key = s-ROLE\naws_session_token = t-ROLE\n")
    served(gateway, upstream, None, profile="work", env={"HOME": str(tmp_path)})


def test_many_who_wait_ask_once_and_what_ends_soon_is_asked_for_early(gateway, upstream):
    gate = threading.Event()
    count = []

    def handler(conn, request):
        count.append(1)
        gate.wait(10)
        conn.answer(keys_json("ROLE", 120))  # within the five minutes: good, but soon replaced

    ecs = upstream(handler)
    up = upstream(lambda conn, request: conn.answer(converse_json()))
    gw = gateway(providers={"aws": bedrock(up)}, routes=route(f"aws/{MODEL}"),
                 env={**CLEAN, "HOME": "/nonexistent",
                      "AWS_CONTAINER_CREDENTIALS_FULL_URI": ecs.url})
    statuses = []
    threads = [threading.Thread(target=lambda: statuses.append(chat(gw.port, "Hi").status))
               for _ in range(4)]
    for thread in threads:
        thread.start()
    wait_for(lambda: count)
    gate.set()
    for thread in threads:
        thread.join()
    assert statuses == [200] * 4
    before = len(count)
    assert before < 4
    chat(gw.port, "Hi")
    wait_for(lambda: len(count) > before)


def test_without_credentials_the_client_learns_no_more_than_that(gateway, upstream):
    ecs = upstream(lambda conn, request: conn.answer({"secret": "canary"}, 500))
    up = upstream(lambda conn, request: conn.answer(converse_json()))
    gw = gateway(providers={"aws": bedrock(up)}, routes=route(f"aws/{MODEL}"),
                 env={**CLEAN, "HOME": "/nonexistent",
                      "AWS_CONTAINER_CREDENTIALS_FULL_URI": ecs.url})
    answer = chat(gw.port, "Hi")
    assert answer.status >= 400 and b"canary" not in answer.body
    assert not up.requests
