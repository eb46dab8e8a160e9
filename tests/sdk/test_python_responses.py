"""The official Python SDK's Responses surface, with a provider behind it that only knows chats."""

import json

import pytest

openai = pytest.importorskip("openai", reason="no SDK: see tests/sdk/requirements.txt")

FUNCTION = {
    "type": "function",
    "name": "weather",
    "description": "The weather of a city",
    "parameters": {
        "type": "object",
        "properties": {"city": {"type": "string"}},
        "required": ["city"],
    },
}


@pytest.fixture
def client(stand):
    with openai.OpenAI(base_url=stand.url, api_key="sk-client", max_retries=0) as one:
        yield one


def ask(client, **more):
    return client.responses.create(**{"model": "up/m", "input": "Hello gate", **more})


def test_a_response_is_answered(client):
    answer = ask(client, model="up/sim:text=Good%20day", instructions="be kind", temperature=0.5,
                 metadata={"a": "b"})
    assert answer.output_text == "Good day"
    assert answer.status == "completed"
    assert answer.instructions == "be kind" and answer.temperature == 0.5
    assert answer.metadata == {"a": "b"}
    assert answer.usage.total_tokens == answer.usage.input_tokens + answer.usage.output_tokens
    assert type(answer).model_validate(answer.model_dump(), strict=False)


def test_a_stream_says_the_same_as_the_whole_answer(client):
    whole = ask(client, model="up/sim:text=one%20two%20three").output_text
    with client.responses.stream(model="up/sim:text=one%20two%20three", input="x") as stream:
        events = list(stream)
        final = stream.get_final_response()
    assert "".join(e.delta for e in events if e.type == "response.output_text.delta") == whole
    assert [e.sequence_number for e in events] == list(range(len(events)))
    assert events[0].type == "response.created" and events[-1].type == "response.completed"
    assert final.output_text == whole
    assert final.usage.output_tokens > 0


def test_every_event_fits_the_sdks_own_types(client):
    for more in ({}, {"tools": [FUNCTION], "tool_choice": "required"}):
        for event in ask(client, stream=True, **more):
            assert event.type != "error"
            type(event).model_validate(json.loads(event.model_dump_json()))


def test_a_tool_call_goes_there_and_back(client):
    first = ask(client, tools=[FUNCTION], tool_choice="required")
    call = next(item for item in first.output if item.type == "function_call")
    assert json.loads(call.arguments)
    second = ask(client, tools=[FUNCTION], input=[
        {"role": "user", "content": "Hello gate"}, *first.output,
        {"type": "function_call_output", "call_id": call.call_id, "output": "rain"}])
    assert second.output_text


def test_streamed_tool_calls_join_to_the_same_call(client):
    with client.responses.stream(model="up/m", input="x", tools=[FUNCTION],
                                 tool_choice="required") as stream:
        pieces = "".join(e.delta for e in stream
                         if e.type == "response.function_call_arguments.delta")
        call = next(i for i in stream.get_final_response().output if i.type == "function_call")
    assert call.arguments == pieces and json.loads(pieces)


def test_structured_output_is_parsed(client):
    pydantic = pytest.importorskip("pydantic")

    class Level(pydantic.BaseModel):
        metres: float
        rising: bool

    answer = client.responses.parse(model="up/m", input="x", text_format=Level)
    assert isinstance(answer.output_parsed, Level)


def test_what_is_not_stored_cannot_be_gone_on_with(client):
    with pytest.raises(openai.BadRequestError) as raised:
        ask(client, previous_response_id="resp_1")
    assert "previous_response_id" in str(raised.value)


@pytest.mark.parametrize("status, kind", [
    (400, "BadRequestError"), (429, "RateLimitError"), (503, "InternalServerError")])
def test_errors_raise_the_exception_of_their_status(client, status, kind):
    with pytest.raises(getattr(openai, kind)) as raised:
        ask(client, model=f"up/sim:status={status},error-message=because")
    assert "because" in str(raised.value)


@pytest.mark.parametrize("how", ["error-event-at=3", "close-after-events=4",
                                 "reset-after-events=4"])
def test_a_broken_stream_raises_and_is_not_taken_for_whole(client, how):
    got = []
    with pytest.raises(openai.APIError):
        for event in ask(client, model=f"up/sim:{how}", stream=True):
            got.append(event.type)
    assert "response.output_text.delta" in got and "response.completed" not in got
