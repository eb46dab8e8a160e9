"""The official Python SDK, unchanged but for its base URL."""

import asyncio
import json

import pytest

openai = pytest.importorskip("openai", reason="no SDK: see tests/sdk/requirements.txt")

from support.fold import fold_stream  # noqa: E402
from support.gateway import Gateway  # noqa: E402
from support.places import SHARED  # noqa: E402
from support.shared import cassettes, response_bytes  # noqa: E402
from support.simulator import Simulator  # noqa: E402

HELLO = [{"role": "user", "content": "Hello gate"}]

TOOL = {
    "type": "function",
    "function": {
        "name": "weather",
        "description": "The weather of a city",
        "parameters": {
            "type": "object",
            "properties": {
                "city": {"type": "string"},
                "unit": {"enum": ["celsius", "fahrenheit"]},
                "days": {"type": "integer", "minimum": 1, "maximum": 7},
            },
            "required": ["city", "unit", "days"],
        },
    },
}


@pytest.fixture
def client(stand):
    with openai.OpenAI(base_url=stand.url, api_key="sk-client", max_retries=0) as one:
        yield one


def ask(client, **more):
    return client.chat.completions.create(**{"model": "up/m", "messages": HELLO, **more})


def test_a_chat_is_answered(client):
    answer = ask(client, model="up/sim:text=Good%20day")
    assert answer.choices[0].message.content == "Good day"
    assert answer.choices[0].finish_reason == "stop"
    assert answer.usage.total_tokens == answer.usage.prompt_tokens + answer.usage.completion_tokens


def test_a_stream_says_the_same_as_the_whole_answer(client):
    whole = ask(client, model="up/sim:text=one%20two%20three").choices[0].message.content
    chunks = list(ask(client, model="up/sim:text=one%20two%20three", stream=True))
    assert "".join(chunk.choices[0].delta.content or "" for chunk in chunks) == whole
    assert chunks[-1].choices[0].finish_reason == "stop"
    assert len({chunk.id for chunk in chunks}) == 1
    assert all(chunk.usage is None for chunk in chunks)


def test_usage_of_a_stream_comes_when_it_is_asked_for(client):
    chunks = list(ask(client, stream=True, stream_options={"include_usage": True}))
    assert chunks[-1].choices == []
    assert chunks[-1].usage.completion_tokens > 0


def test_the_streaming_helper_puts_the_answer_together(client):
    with client.chat.completions.stream(model="up/sim:text=a%20b%20c", messages=HELLO) as stream:
        for _ in stream:
            pass
        assert stream.get_final_completion().choices[0].message.content == "a b c"


def test_tools_are_called_and_their_results_answered(client):
    first = ask(client, tools=[TOOL], tool_choice="required")
    call = first.choices[0].message.tool_calls[0]
    arguments = json.loads(call.function.arguments)
    assert call.function.name == "weather" and 1 <= arguments["days"] <= 7
    assert first.choices[0].finish_reason == "tool_calls"
    second = ask(client, tools=[TOOL], messages=[
        *HELLO, first.choices[0].message.model_dump(exclude_none=True),
        {"role": "tool", "tool_call_id": call.id, "content": "rain"}])
    assert second.choices[0].message.content


def test_streamed_tool_calls_join_to_the_same_call(client):
    whole = ask(client, tools=[TOOL], tool_choice="required", seed=1)
    pieces = {}
    for chunk in ask(client, tools=[TOOL], tool_choice="required", seed=1, stream=True):
        for delta in chunk.choices[0].delta.tool_calls or []:
            pieces[delta.index] = pieces.get(delta.index, "") + (delta.function.arguments or "")
    assert json.loads(pieces[0]).keys() == json.loads(
        whole.choices[0].message.tool_calls[0].function.arguments).keys()


def test_structured_output_is_parsed(client):
    pydantic = pytest.importorskip("pydantic")

    class Level(pydantic.BaseModel):
        metres: float
        rising: bool
        names: list[str]

    answer = client.chat.completions.parse(model="up/m", messages=HELLO, response_format=Level)
    assert isinstance(answer.choices[0].message.parsed, Level)


def test_embeddings_are_the_same_as_numbers_and_as_base64(client):
    numbers = client.embeddings.create(model="up/e", input=["the gate", "a heron"], dimensions=16,
                                       encoding_format="float")
    default = client.embeddings.create(model="up/e", input=["the gate", "a heron"], dimensions=16)
    assert len(default.data) == 2
    for one, other in zip(numbers.data, default.data):
        assert list(one.embedding) == pytest.approx(list(other.embedding), rel=1e-5)


def test_models_are_listed(client):
    assert any("gpt-4o" in model.id for model in client.models.list())


def test_the_older_completions_work(client):
    answer = client.completions.create(model="up/m", prompt="Once upon a time")
    assert answer.choices[0].text
    chunks = list(client.completions.create(model="up/m", prompt="Once", stream=True))
    assert "".join(chunk.choices[0].text for chunk in chunks if chunk.choices)


@pytest.mark.parametrize("status, kind", [
    (400, "BadRequestError"), (404, "NotFoundError"), (429, "RateLimitError"),
    (500, "InternalServerError"), (503, "InternalServerError"),
])
def test_errors_raise_the_exception_of_their_status(client, status, kind):
    with pytest.raises(getattr(openai, kind)) as raised:
        ask(client, model=f"up/sim:status={status},error-message=because")
    assert "because" in str(raised.value)
    assert raised.value.status_code == status


def test_an_error_in_mid_stream_raises(client):
    got = []
    with pytest.raises(openai.APIError):
        for chunk in ask(client, model="up/sim:error-event-at=3", stream=True):
            got.append(chunk)
    assert len(got) >= 2


def test_a_broken_stream_raises_and_is_not_taken_for_whole(client):
    for how in ("close-after-events=4", "reset-after-events=4", "stall-after-events=4"):
        with pytest.raises(openai.APIError):
            list(ask(client, model=f"up/sim:{how}", stream=True))


def test_the_sdk_retries_what_the_gateway_says_is_worth_it(stand):
    with openai.OpenAI(base_url=stand.url, api_key="x", max_retries=2) as client:
        before = len(stand.sim.entries())
        with pytest.raises(openai.InternalServerError):
            ask(client, model="up/sim:status=503,retry-after=0.01")
        assert len(stand.sim.entries()) - before >= 3


def test_raw_responses_carry_the_gateways_fields(client):
    raw = client.chat.completions.with_raw_response.create(model="up/m", messages=HELLO)
    assert raw.headers["x-headgate-request-id"]
    assert raw.parse().choices


def test_many_asynchronous_calls_at_once(stand):
    async def run():
        async with openai.AsyncOpenAI(base_url=stand.url, api_key="x", max_retries=0) as client:
            async def one(i):
                text = ""
                stream = await client.chat.completions.create(
                    model=f"up/sim:text=n{i}%20m%20o", messages=HELLO, stream=True)
                async for chunk in stream:
                    text += chunk.choices[0].delta.content or ""
                return text

            return await asyncio.gather(*[one(i) for i in range(20)])

    assert asyncio.run(run()) == [f"n{i} m o" for i in range(20)]


def test_a_cancelled_stream_leaves_nothing_behind(client, stand):
    for _ in range(5):
        stream = ask(client, model="up/sim:endless=events,event-delay=5ms", stream=True)
        next(iter(stream))
        stream.close()
    assert ask(client).choices[0].message.content


@pytest.mark.seconds(200)
def test_recorded_streams_are_read_by_the_sdk(tmp_path):
    """The SDK puts together what the recording's provider has said."""
    found = [one for one in cassettes("chat.completions") if one["response"]["is_stream"]
             and one["response"]["status"] == 200 and one["provider"] == "openai"]
    sim = Simulator(tmp_path, "--replay", SHARED / "cassettes", "--split", "random:7")
    gate = Gateway(tmp_path / "gateway", {"up": sim.url})
    compared = 0
    try:
        client = openai.OpenAI(base_url=f"http://127.0.0.1:{gate.port}/v1", api_key="x",
                               max_retries=0)
        for cassette in found:
            said = fold_stream(response_bytes(cassette))
            if said["error"]:
                continue
            text = ""
            stream = client.chat.completions.create(
                model=f"up/sim:cassette={cassette['id']}", messages=HELLO, stream=True)
            for chunk in stream:
                for choice in chunk.choices:
                    if choice.index == 0:
                        text += choice.delta.content or ""
            assert text == said["text"], cassette["id"]
            compared += 1
        client.close()
    finally:
        assert gate.stop() == 0, gate.output()
        sim.stop()
    print(f"{compared} recorded streams read by the SDK")
    assert compared >= 10
