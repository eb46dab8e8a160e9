"""What the official Python SDK does beside chats: sound, pictures, files, jobs."""

import json

import pytest

openai = pytest.importorskip("openai", reason="no SDK: see tests/sdk/requirements.txt")

SOUND = bytes(range(256)) * 2048
PICTURE = b"\x89PNG\r\n\x1a\n" + bytes(300000)

ANSWERS = {
    "/v1/audio/transcriptions": {"text": "Hello gate"},
    "/v1/audio/translations": {"text": "Hello gate"},
    "/v1/images/generations": {"created": 1, "data": [{"b64_json": "AAAA"}]},
    "/v1/images/edits": {"created": 1, "data": [{"b64_json": "AAAA"}]},
    "/v1/images/variations": {"created": 1, "data": [{"b64_json": "AAAA"}]},
    "/v1/embeddings": {"object": "list", "model": "m", "data": [
        {"object": "embedding", "index": 0, "embedding": [0.5, 1.0]}],
        "usage": {"prompt_tokens": 1, "total_tokens": 1}},
    "/v1/moderations": {"id": "modr-1", "model": "m", "results": []},
    "/v1/files": {"id": "file-1", "object": "file", "bytes": 1, "created_at": 1,
                  "filename": "a.jsonl", "purpose": "batch", "status": "processed"},
    "/v1/batches": {"id": "batch_1", "object": "batch", "endpoint": "/v1/chat/completions",
                    "input_file_id": "file-1", "completion_window": "24h",
                    "status": "validating", "created_at": 1},
    "/v1/fine_tuning/jobs": {"id": "ftjob-1", "object": "fine_tuning.job", "created_at": 1,
                             "model": "m", "status": "queued", "training_file": "file-1"},
}


def answers(connection, request):
    if request.target in ("/v1/audio/speech", "/v1/files/file-1/content"):
        connection.answer(SOUND, content_type="application/octet-stream")
    else:
        connection.answer(ANSWERS[request.target])


@pytest.fixture
def up(upstream):
    return upstream(answers)


@pytest.fixture
def client(gateway, up):
    url = f"http://127.0.0.1:{gateway(up).port}/v1"
    with openai.OpenAI(base_url=url, api_key="sk-client", max_retries=0) as one:
        yield one


@pytest.mark.parametrize("size", [1000, len(SOUND)])
@pytest.mark.parametrize("task", ["transcriptions", "translations"])
def test_sound_becomes_text(client, up, task, size):
    made = getattr(client.audio, task).create(model="up/whisper-1", file=("a.wav", SOUND[:size]))
    assert made.text == "Hello gate"
    body = up.requests[0].body
    assert SOUND[:size] in body and b"\r\n\r\nwhisper-1\r\n" in body and b"up/whisper" not in body


def test_text_becomes_sound(client, up):
    with client.audio.speech.with_streaming_response.create(
            model="up/tts-1", voice="alloy", input="Hello gate") as made:
        assert b"".join(made.iter_bytes()) == SOUND
    assert up.requests[0].json()["model"] == "tts-1"


def test_pictures_are_made_changed_and_varied(client, up):
    made = [client.images.generate(model="up/m", prompt="a gate"),
            client.images.edit(model="up/m", prompt="a gate", image=("a.png", PICTURE)),
            client.images.create_variation(model="up/m", image=("a.png", PICTURE))]
    assert [one.data[0].b64_json for one in made] == ["AAAA"] * 3
    assert up.requests[0].json()["model"] == "m"
    for asked in up.requests[1:]:
        assert PICTURE in asked.body and b"\r\n\r\nm\r\n" in asked.body


def test_files_go_up_and_come_down(client, up):
    lines = b"".join(json.dumps({"n": n}).encode() + b"\n" for n in range(20000))
    assert client.files.create(file=("a.jsonl", lines), purpose="batch").id == "file-1"
    assert lines in up.requests[0].body
    assert client.files.content("file-1").content == SOUND


def test_jobs_are_started(client, up):
    batch = client.batches.create(input_file_id="file-1", endpoint="/v1/chat/completions",
                                  completion_window="24h")
    job = client.fine_tuning.jobs.create(model="up/m", training_file="file-1")
    assert (batch.id, job.id) == ("batch_1", "ftjob-1")
    assert up.requests[1].json()["model"] == "m"


def test_texts_are_measured(client):
    assert client.embeddings.create(model="up/m", input="x").data[0].embedding == [0.5, 1.0]
    assert client.moderations.create(model="up/m", input="x").results == []
