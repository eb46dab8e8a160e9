"""One adapter for each SDK of Python: how a program that uses it asks, and what it makes of the
typed results. Nothing of an SDK is changed but its base URL.

An adapter's `ask` runs a scenario and returns what was Said, or raises the SDK's own exception; for
`schema` it returns the document. `error(status)` is the class that has to be raised."""

import importlib
import json
import os

import scenarios
from scenarios import RESULT, SCHEMA, TOOLS
from support.wires import Said

KEY = "sk-client"


def function(name, describe="description", schema="parameters"):
    return {"name": name, describe: TOOLS[name][0], schema: TOOLS[name][1]}


def wants(name):
    """(stream, tools): what a scenario asks for."""
    return name.endswith("_stream"), name.removesuffix("_stream") in scenarios.USES_TOOLS


class Sdk:
    module = ""
    stream_usage = True

    def __init__(self, port):
        self.origin = f"http://127.0.0.1:{port}"
        self.lib = importlib.import_module(self.module)
        self.open()

    def open(self):
        raise NotImplementedError

    def ask(self, model, name):
        if name == "schema":
            return self.schema(model)
        if name.startswith("result"):
            return self.result(model, name)
        stream, tools = wants(name)
        return self.said(self.call(model, self.first(scenarios.prompt(name)), stream, tools), stream)

    def result(self, model, name):
        """The second turn: the model's calls, as the SDK gave them, and what came of them."""
        stream, _ = wants(name)
        first = self.first(scenarios.prompt("call" + ("_stream" if stream else "")))
        answer = self.call(model, first, stream, True)
        if stream:
            answer = self.join(answer)
        messages = self.second(first, answer, scenarios.prompt(name))
        return self.said(self.call(model, messages, stream, True), stream)

    def join(self, stream):
        """A whole answer out of a stream, by the SDK's own means."""
        raise NotImplementedError


def openai_errors(lib, status):
    return {400: lib.BadRequestError, 404: lib.NotFoundError, 429: lib.RateLimitError}.get(
        status, lib.InternalServerError)


class OpenAIChat(Sdk):
    name, title, module = "openai-python", "openai, chat", "openai"
    finishes = {"stop": "stop", "length": "length", "tool_calls": "tools"}

    def open(self):
        self.client = self.lib.OpenAI(base_url=self.origin + "/v1", api_key=KEY, max_retries=0)

    def first(self, text):
        return [{"role": "user", "content": text}]

    def call(self, model, messages, stream, tools):
        more = {}
        if tools:
            more["tools"] = [{"type": "function", "function": function(name)} for name in TOOLS]
        if stream:
            more |= {"stream_options": {"include_usage": True}}
        ask = self.client.chat.completions
        if stream:
            return ask.stream(model=model, messages=messages, **more)
        return ask.create(model=model, messages=messages, **more)

    def join(self, manager):
        with manager as stream:
            return stream.get_final_completion()

    def said(self, answer, stream):
        if stream:
            text = ""
            with answer as events:
                try:
                    for event in events:
                        text += event.delta if event.type == "content.delta" else ""
                    answer = events.get_final_completion()
                except self.lib.LengthFinishReasonError as cut:
                    answer = cut.completion
            assert text == (answer.choices[0].message.content or "")
        message = answer.choices[0].message
        return Said(message.content or "",
                    [(call.function.name, json.loads(call.function.arguments))
                     for call in message.tool_calls or []],
                    self.finishes[answer.choices[0].finish_reason],
                    (answer.usage.prompt_tokens, answer.usage.completion_tokens))

    def second(self, first, answer, text):
        message = answer.choices[0].message
        return [*first, message.model_dump(exclude_none=True, include={"role", "content",
                                                                       "tool_calls"}),
                *({"role": "tool", "tool_call_id": call.id, "content": RESULT}
                  for call in message.tool_calls),
                {"role": "user", "content": text}]

    def schema(self, model):
        answer = self.client.chat.completions.create(
            model=model, messages=self.first(scenarios.prompt("schema")),
            response_format={"type": "json_schema", "json_schema": {
                "name": "level", "strict": True, "schema": SCHEMA}})
        return json.loads(answer.choices[0].message.content)

    def error(self, status):
        return openai_errors(self.lib, status) if status else self.lib.APIError


class OpenAIResponses(Sdk):
    name, title, module = "openai-python-responses", "openai, Responses", "openai"

    open = OpenAIChat.open
    error = OpenAIChat.error

    def first(self, text):
        return [{"role": "user", "content": text}]

    def call(self, model, messages, stream, tools):
        more = {}
        if tools:
            more["tools"] = [{"type": "function", "strict": False, **function(name)}
                             for name in TOOLS]
        ask = self.client.responses
        return (ask.stream if stream else ask.create)(model=model, input=messages, **more)

    def join(self, manager):
        with manager as stream:
            return stream.get_final_response()

    def said(self, answer, stream):
        if stream:
            answer = self.streamed(answer)
        calls = [(item.name, json.loads(item.arguments)) for item in answer.output
                 if item.type == "function_call"]
        finish = {"completed": "tools" if calls else "stop", "incomplete": "length"}[answer.status]
        return Said(answer.output_text, calls, finish,
                    (answer.usage.input_tokens, answer.usage.output_tokens))

    def streamed(self, manager):
        text, final = "", None
        with manager as events:
            for event in events:
                if event.type == "response.output_text.delta":
                    text += event.delta
                elif event.type in ("response.completed", "response.incomplete"):
                    final = event.response
                elif event.type == "error":  # OpenAI's own streams fail with an event
                    raise self.lib.APIError(event.message, None, body=None)
        assert final and text == final.output_text
        return final

    def second(self, first, answer, text):
        results = [{"type": "function_call_output", "call_id": item.call_id, "output": RESULT}
                   for item in answer.output if item.type == "function_call"]
        return [*first, *answer.output, *results, {"role": "user", "content": text}]

    def schema(self, model):
        answer = self.client.responses.create(
            model=model, input=scenarios.prompt("schema"),
            text={"format": {"type": "json_schema", "name": "level", "strict": True,
                             "schema": SCHEMA}})
        return json.loads(answer.output_text)


class Anthropic(Sdk):
    name, title, module = "anthropic-python", "anthropic", "anthropic"
    finishes = {"end_turn": "stop", "max_tokens": "length", "tool_use": "tools"}

    def open(self):
        self.client = self.lib.Anthropic(base_url=self.origin, api_key=KEY, max_retries=0)

    def first(self, text):
        return [{"role": "user", "content": text}]

    def call(self, model, messages, stream, tools, **more):
        if tools:
            more["tools"] = [function(name, schema="input_schema") for name in TOOLS]
        ask = self.client.messages
        return (ask.stream if stream else ask.create)(model=model, messages=messages,
                                                      max_tokens=100, **more)

    def join(self, manager):
        with manager as stream:
            return stream.get_final_message()

    def said(self, answer, stream):
        if stream:
            with answer as events:
                text = "".join(events.text_stream)
                answer = events.get_final_message()
            assert text == "".join(b.text for b in answer.content if b.type == "text")
        return Said("".join(block.text for block in answer.content if block.type == "text"),
                    [(block.name, block.input) for block in answer.content
                     if block.type == "tool_use"],
                    self.finishes[answer.stop_reason],
                    (answer.usage.input_tokens, answer.usage.output_tokens))

    def second(self, first, answer, text):
        results = [{"type": "tool_result", "tool_use_id": block.id, "content": RESULT}
                   for block in answer.content if block.type == "tool_use"]
        return [*first, {"role": "assistant", "content": answer.content},
                {"role": "user", "content": [*results, {"type": "text", "text": text}]}]

    def schema(self, model):
        answer = self.call(model, self.first(scenarios.prompt("schema")), False, False,
                           output_config={"format": {"type": "json_schema", "schema": SCHEMA}})
        return json.loads(answer.content[0].text)

    def error(self, status):
        return openai_errors(self.lib, status) if status else self.lib.APIError


class Google(Sdk):
    name, title, module = "google-genai-python", "google-genai", "google.genai"
    finishes = {"STOP": "stop", "MAX_TOKENS": "length"}

    def open(self):
        self.types = importlib.import_module("google.genai.types")
        self.errors = importlib.import_module("google.genai.errors")
        self.client = self.lib.Client(api_key=KEY, http_options={"base_url": self.origin})

    def first(self, text):
        return [self.types.Content(role="user", parts=[self.types.Part(text=text)])]

    def call(self, model, messages, stream, tools):
        config = {}
        if tools:
            config["tools"] = [{"function_declarations": [
                function(name, schema="parameters_json_schema") for name in TOOLS]}]
        ask = self.client.models
        return (ask.generate_content_stream if stream else ask.generate_content)(
            model=model, contents=messages, config=config)

    def join(self, stream):
        chunks = list(stream)
        last = chunks[-1]
        last.candidates[0].content.parts = [
            part for chunk in chunks for part in chunk.candidates[0].content.parts or []]
        return last

    def said(self, answer, stream):
        answer = self.join(answer) if stream else answer
        candidate = answer.candidates[0]
        parts = candidate.content.parts or []
        calls = [(part.function_call.name, part.function_call.args or {})
                 for part in parts if part.function_call]
        finish = self.finishes[candidate.finish_reason.value]
        usage = answer.usage_metadata
        return Said("".join(part.text or "" for part in parts), calls,
                    "tools" if calls and finish == "stop" else finish,
                    (usage.prompt_token_count, usage.candidates_token_count))

    def second(self, first, answer, text):
        content = answer.candidates[0].content
        results = [self.types.Part(function_response=self.types.FunctionResponse(
            name=part.function_call.name, id=part.function_call.id, response={"result": RESULT}))
            for part in content.parts if part.function_call]
        return [*first, content, self.types.Content(role="user", parts=results), *self.first(text)]

    def schema(self, model):
        answer = self.client.models.generate_content(
            model=model, contents=scenarios.prompt("schema"),
            config={"response_mime_type": "application/json", "response_json_schema": SCHEMA})
        return json.loads(answer.text)

    def error(self, status):
        if not status:
            return self.errors.APIError
        return self.errors.ClientError if status < 500 else self.errors.ServerError


class Boto3(Sdk):
    name, title, module = "boto3", "boto3, bedrock-runtime", "boto3"
    finishes = {"end_turn": "stop", "max_tokens": "length", "tool_use": "tools"}

    def open(self):
        config = importlib.import_module("botocore.config").Config(retries={"total_max_attempts": 1})
        self.client = self.lib.client("bedrock-runtime", region_name="us-east-1",
                                      endpoint_url=self.origin, aws_access_key_id="AKIACLIENT",
                                      aws_secret_access_key="client", config=config)
        self.errors = self.client.exceptions

    def first(self, text):
        return [{"role": "user", "content": [{"text": text}]}]

    def call(self, model, messages, stream, tools):
        more = {}
        if tools:
            more["toolConfig"] = {"tools": [{"toolSpec": {
                "name": name, "description": TOOLS[name][0],
                "inputSchema": {"json": TOOLS[name][1]}}} for name in TOOLS]}
        ask = self.client.converse_stream if stream else self.client.converse
        return ask(modelId=model, messages=messages, **more)

    def join(self, answer):
        blocks, whole = {}, {}
        for event in answer["stream"]:
            [(kind, body)] = event.items()
            if kind == "contentBlockStart":
                blocks[body["contentBlockIndex"]] = {"toolUse": {**body["start"]["toolUse"],
                                                                 "input": ""}}
            elif kind == "contentBlockDelta":
                block = blocks.setdefault(body["contentBlockIndex"], {"text": ""})
                if "text" in body["delta"]:
                    block["text"] += body["delta"]["text"]
                else:
                    block["toolUse"]["input"] += body["delta"]["toolUse"]["input"]
            elif kind == "messageStop":
                whole["stopReason"] = body["stopReason"]
            elif kind == "metadata":
                whole["usage"] = body["usage"]
        for block in blocks.values():
            if "toolUse" in block:
                block["toolUse"]["input"] = json.loads(block["toolUse"]["input"] or "{}")
        message = {"role": "assistant", "content": [blocks[i] for i in sorted(blocks)]}
        return {**whole, "output": {"message": message}}

    def said(self, answer, stream):
        answer = self.join(answer) if stream else answer
        content = answer["output"]["message"]["content"]
        return Said("".join(block.get("text", "") for block in content),
                    [(block["toolUse"]["name"], block["toolUse"]["input"])
                     for block in content if "toolUse" in block],
                    self.finishes[answer["stopReason"]],
                    (answer["usage"]["inputTokens"], answer["usage"]["outputTokens"]))

    def second(self, first, answer, text):
        message = answer["output"]["message"]
        results = [{"toolResult": {"toolUseId": block["toolUse"]["toolUseId"],
                                   "content": [{"text": RESULT}]}}
                   for block in message["content"] if "toolUse" in block]
        return [*first, message, {"role": "user", "content": [*results, {"text": text}]}]

    def schema(self, model):
        answer = self.client.converse(
            modelId=model, messages=self.first(scenarios.prompt("schema")),
            outputConfig={"textFormat": {"type": "json_schema", "structure": {"jsonSchema": {
                "name": "level", "schema": json.dumps(SCHEMA)}}}})
        return json.loads(answer["output"]["message"]["content"][0]["text"])

    def error(self, status):
        names = {400: "ValidationException", 404: "ResourceNotFoundException",
                 429: "ThrottlingException", 500: "InternalServerException",
                 503: "ServiceUnavailableException"}
        return getattr(self.errors, names[status]) if status else self.errors.ClientError


class Cohere(Sdk):
    name, title, module = "cohere-python", "cohere", "cohere"
    finishes = {"COMPLETE": "stop", "MAX_TOKENS": "length", "TOOL_CALL": "tools"}

    def open(self):
        self.client = self.lib.ClientV2(api_key=KEY, base_url=self.origin, max_retries=0)

    def first(self, text):
        return [{"role": "user", "content": text}]

    def call(self, model, messages, stream, tools, **more):
        if tools:
            more["tools"] = [{"type": "function", "function": function(name)} for name in TOOLS]
        ask = self.client.chat_stream if stream else self.client.chat
        return ask(model=model, messages=messages, **more)

    def join(self, stream):
        text, calls, end = "", [], None
        for event in stream:
            if event.type == "content-delta":
                text += event.delta.message.content.text or ""
            elif event.type == "tool-call-start":
                calls.append(event.delta.message.tool_calls)
            elif event.type == "tool-call-delta":
                calls[-1].function.arguments += (
                    event.delta.message.tool_calls.function.arguments)
            elif event.type == "message-end":
                end = event.delta
        assert end, "the stream has no end"
        if getattr(end, "error", None) or end.finish_reason == "ERROR":
            raise self.lib.core.ApiError(body=end)
        return text, calls, end.finish_reason, end.usage

    def parts(self, answer, stream):
        if stream:
            return self.join(answer)
        message = answer.message
        return ("".join(item.text for item in message.content or []), message.tool_calls or [],
                answer.finish_reason, answer.usage)

    def said(self, answer, stream):
        text, calls, finish, usage = self.parts(answer, stream)
        return Said(text, [(call.function.name, json.loads(call.function.arguments))
                           for call in calls], self.finishes[finish],
                    (int(usage.tokens.input_tokens), int(usage.tokens.output_tokens)))

    def second(self, first, answer, text):
        calls = answer[1] if isinstance(answer, tuple) else answer.message.tool_calls
        return [*first, {"role": "assistant", "tool_calls": calls},
                *({"role": "tool", "tool_call_id": call.id, "content": RESULT} for call in calls),
                {"role": "user", "content": text}]

    def schema(self, model):
        answer = self.call(model, self.first(scenarios.prompt("schema")), False, False,
                           response_format={"type": "json_object", "json_schema": SCHEMA})
        return json.loads(answer.message.content[0].text)

    def error(self, status):
        lib = self.lib
        return {400: lib.BadRequestError, 404: lib.NotFoundError, 429: lib.TooManyRequestsError,
                500: lib.InternalServerError, 503: lib.ServiceUnavailableError,
                }.get(status, lib.core.ApiError)


class Mistral(Sdk):
    name, title, module = "mistralai-python", "mistralai", "mistralai.client"
    stream_usage = False  # it does not ask for it, and who does not ask is not told
    finishes = OpenAIChat.finishes

    def open(self):
        self.errors = importlib.import_module("mistralai.client.errors")
        self.client = self.lib.Mistral(api_key=KEY, server_url=self.origin)

    def first(self, text):
        return [{"role": "user", "content": text}]

    def call(self, model, messages, stream, tools, **more):
        if tools:
            more["tools"] = [{"type": "function", "function": function(name)} for name in TOOLS]
        ask = self.client.chat
        return (ask.stream if stream else ask.complete)(model=model, messages=messages, **more)

    def join(self, stream):
        text, calls, finish, usage = "", [], None, None
        with stream as events:
            for event in events:
                usage = event.data.usage or usage
                for choice in event.data.choices:
                    text += choice.delta.content or ""
                    for call in choice.delta.tool_calls or []:
                        if call.index < len(calls):
                            calls[call.index].function.arguments += call.function.arguments
                        else:
                            calls.append(call)
                    finish = choice.finish_reason or finish
        return text, calls, finish, usage

    def parts(self, answer, stream):
        if stream:
            return self.join(answer)
        choice = answer.choices[0]
        return (choice.message.content or "", choice.message.tool_calls or [],
                choice.finish_reason, answer.usage)

    def said(self, answer, stream):
        text, calls, finish, usage = self.parts(answer, stream)
        return Said(text, [(call.function.name, json.loads(call.function.arguments))
                           for call in calls], self.finishes[finish],
                    (usage.prompt_tokens, usage.completion_tokens) if usage else ())

    def second(self, first, answer, text):
        calls = answer[1] if isinstance(answer, tuple) else answer.choices[0].message.tool_calls
        return [*first, {"role": "assistant", "content": "", "tool_calls": calls},
                *({"role": "tool", "tool_call_id": call.id, "name": call.function.name,
                   "content": RESULT} for call in calls),
                {"role": "user", "content": text}]

    def schema(self, model):
        answer = self.call(model, self.first(scenarios.prompt("schema")), False, False,
                           response_format={"type": "json_schema", "json_schema": {
                               "name": "level", "strict": True, "schema_definition": SCHEMA}})
        return json.loads(answer.choices[0].message.content)

    def error(self, status):
        return self.errors.SDKError if status else self.errors.ResponseValidationError


class LangChain(Sdk):
    """One interface over several of the SDKs above."""

    made, finish_key = "", "finish_reason"
    finishes = OpenAIChat.finishes

    def open(self):
        self.messages = importlib.import_module("langchain_core.messages")

    def chat(self, model):
        raise NotImplementedError

    def first(self, text):
        return [self.messages.HumanMessage(text)]

    def call(self, model, messages, stream, tools):
        chat = self.chat(model)
        if tools:
            chat = chat.bind_tools([{"type": "function", "function": function(name)}
                                    for name in TOOLS])
        return chat.stream(messages) if stream else chat.invoke(messages)

    def join(self, stream):
        whole = None
        for chunk in stream:
            whole = chunk if whole is None else whole + chunk
        return whole

    def said(self, answer, stream):
        answer = self.join(answer) if stream else answer
        assert not answer.invalid_tool_calls
        calls = [(call["name"], call["args"]) for call in answer.tool_calls]
        usage = answer.usage_metadata
        finish = self.finishes[answer.response_metadata[self.finish_key]]
        return Said(answer.text if isinstance(answer.text, str) else answer.text(), calls,
                    "tools" if calls and finish == "stop" else finish,
                    (usage["input_tokens"], usage["output_tokens"]))

    def second(self, first, answer, text):
        results = [self.messages.ToolMessage(RESULT, tool_call_id=call["id"])
                   for call in answer.tool_calls]
        return [*first, answer, *results, *self.first(text)]

    def schema(self, model):
        answer = self.structured(self.chat(model)).invoke(self.first(scenarios.prompt("schema")))
        return answer

    def structured(self, chat):
        return chat.with_structured_output({"title": "level", "description": "A level", **SCHEMA},
                                           method="json_schema")


class LangChainOpenAI(LangChain):
    name, title, module = "langchain-openai", "LangChain on openai", "langchain_openai"

    def chat(self, model):
        return self.lib.ChatOpenAI(model=model, base_url=self.origin + "/v1", api_key=KEY,
                                   max_retries=0, stream_usage=True, use_responses_api=False)

    def error(self, status):
        openai = importlib.import_module("openai")
        return openai_errors(openai, status) if status else openai.APIError


class LangChainAnthropic(LangChain):
    name, title, module = "langchain-anthropic", "LangChain on anthropic", "langchain_anthropic"
    finish_key, finishes = "stop_reason", Anthropic.finishes

    def chat(self, model):
        return self.lib.ChatAnthropic(model=model, base_url=self.origin, api_key=KEY,
                                      max_retries=0, max_tokens=100)

    def error(self, status):
        anthropic = importlib.import_module("anthropic")
        return openai_errors(anthropic, status) if status else anthropic.APIError


class LangChainGoogle(LangChain):
    name, title, module = ("langchain-google-genai", "LangChain on google-genai",
                           "langchain_google_genai")
    finishes = Google.finishes

    def chat(self, model):
        return self.lib.ChatGoogleGenerativeAI(model=model, base_url=self.origin, api_key=KEY,
                                               max_retries=1)

    def error(self, status):
        models = importlib.import_module("langchain_google_genai.chat_models")
        return (models.ChatGoogleGenerativeAIError if 0 < status < 500 else models.GoogleAPIError)


class LangChainAws(LangChain):
    name, title, module = "langchain-aws", "LangChain on boto3", "langchain_aws"
    finish_key, finishes = "stopReason", Boto3.finishes

    def open(self):
        super().open()
        self.boto3 = Boto3(int(self.origin.rpartition(":")[2]))

    def chat(self, model):
        return self.lib.ChatBedrockConverse(model=model, client=self.boto3.client,
                                            provider="amazon", region_name="us-east-1",
                                            disable_streaming=False)

    def error(self, status):
        return self.boto3.error(status)


EVERY = [OpenAIChat, OpenAIResponses, Anthropic, Google, Boto3, Cohere, Mistral, LangChainOpenAI,
         LangChainAnthropic, LangChainGoogle, LangChainAws]


def is_there(sdk):
    try:
        importlib.import_module(sdk.module)
    except ImportError:
        return False
    return True


def no_surroundings():
    """Nothing of the machine's own changes what an SDK does."""
    for name in list(os.environ):
        if name.startswith(("OPENAI_", "ANTHROPIC_", "GOOGLE_", "GEMINI_", "AWS_", "CO_API",
                            "COHERE_", "MISTRAL_", "LANGCHAIN_", "LANGSMITH_", "OLLAMA_")):
            del os.environ[name]
