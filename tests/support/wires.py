"""The six formats of requests and answers, as far as tests of translation need them: what a client
asks, what a provider answers, and what a client makes of the bytes it got.

A provider's answer is made of Said; a client's bytes are read into Said again."""

import json
import re
import struct
import zlib
from dataclasses import dataclass, field

from .client import sse_events
from .places import ROOT

SSE = "text/event-stream"
AWS = "application/vnd.amazon.eventstream"
JSON = "application/json"


@dataclass
class Said:
    """What an answer says. `error` is a message; `done` that the stream was ended as a success."""

    text: str = ""
    calls: list = field(default_factory=list)  # (name, arguments as a document)
    finish: str = ""  # stop, length or tools
    usage: tuple = ()  # (input, output)
    error: str = ""
    done: bool = False


def compact(document):
    return json.dumps(document, ensure_ascii=False, separators=(",", ":"))


def sse(document, event=None):
    head = f"event: {event}\n" if event else ""
    return f"{head}data: {compact(document)}\n\n".encode()


# ---- AWS event streams


def aws_frame(event, document, kind="event"):
    def header(name, value):
        name, value = name.encode(), value.encode()
        return bytes([len(name)]) + name + b"\x07" + struct.pack(">H", len(value)) + value

    name = ":event-type" if kind == "event" else ":exception-type"
    headers = header(name, event) + header(":content-type", JSON) + header(":message-type", kind)
    payload = compact(document).encode()
    head = struct.pack(">II", 16 + len(headers) + len(payload), len(headers))
    head += struct.pack(">I", zlib.crc32(head))
    whole = head + headers + payload
    return whole + struct.pack(">I", zlib.crc32(whole))


def aws_frames(data):
    """(kind, type, document) of each; checks every checksum."""
    while data:
        total, length, crc = struct.unpack(">III", data[:12])
        assert zlib.crc32(data[:8]) == crc, "checksum of the head"
        assert zlib.crc32(data[: total - 4]) == struct.unpack(">I", data[total - 4 : total])[0]
        headers, rest = {}, data[12 : 12 + length]
        while rest:
            n = rest[0]
            name, rest = rest[1 : 1 + n].decode(), rest[1 + n :]
            assert rest[0] == 7
            n = struct.unpack(">H", rest[1:3])[0]
            headers[name], rest = rest[3 : 3 + n].decode(), rest[3 + n :]
        kind = headers[":message-type"]
        yield (kind, headers.get(":event-type") or headers.get(":exception-type"),
               json.loads(data[12 + length : total - 4]))
        data = data[total:]


# ---- one class a format


class Wire:
    name = ""
    provider_path = ""
    stream_type = SSE

    def path(self, model, stream):
        raise NotImplementedError

    def whole(self, said):
        raise NotImplementedError

    def stream(self, said):
        """A list of pieces of bytes."""
        raise NotImplementedError

    def asks(self, message="hi", stream=False, model="up/m"):
        """(path, document)"""
        raise NotImplementedError

    def read(self, document):
        raise NotImplementedError

    def read_stream(self, body):
        raise NotImplementedError

    def error(self, status, message):
        raise NotImplementedError

    def error_event(self, message):
        raise NotImplementedError

    def read_error(self, document):
        """The message; complains about any other shape."""
        raise NotImplementedError


class OpenAIChat(Wire):
    name = "openai_chat"
    provider_path = "/chat/completions"
    finishes = {"stop": "stop", "length": "length", "tools": "tool_calls"}

    def asks(self, message="hi", stream=False, model="up/m"):
        body = {"model": model, "messages": [{"role": "user", "content": message}]}
        if stream:
            body |= {"stream": True, "stream_options": {"include_usage": True}}
        return "/v1/chat/completions", body

    def usage(self, said):
        return {"prompt_tokens": said.usage[0], "completion_tokens": said.usage[1],
                "total_tokens": sum(said.usage)}

    def calls(self, said, **more):
        return [{"id": f"call_{i}", "type": "function",
                 "function": {"name": name, "arguments": compact(args)}, **({"index": i} | more)}
                for i, (name, args) in enumerate(said.calls)]

    def whole(self, said):
        message = {"role": "assistant", "content": said.text or None}
        if said.calls:
            message["tool_calls"] = self.calls(said)
        return {"id": "chatcmpl-1", "object": "chat.completion", "created": 1, "model": "m",
                "choices": [{"index": 0, "message": message,
                             "finish_reason": self.finishes[said.finish]}],
                "usage": self.usage(said)}

    def chunk(self, delta, finish=None, **more):
        return sse({"id": "chatcmpl-1", "object": "chat.completion.chunk", "created": 1,
                    "model": "m", **({"choices": [{"index": 0, "delta": delta,
                                                   "finish_reason": finish}]} | more)})

    def stream(self, said):
        pieces = [self.chunk({"role": "assistant", "content": ""})]
        pieces += [self.chunk({"content": word}) for word in re.findall(r"\S+\s*", said.text)]
        if said.calls:
            pieces.append(self.chunk({"tool_calls": self.calls(said)}))
        pieces.append(self.chunk({}, self.finishes[said.finish]))
        pieces.append(self.chunk({}, choices=[], usage=self.usage(said)))
        return [*pieces, b"data: [DONE]\n\n"]

    def read_usage(self, document, said):
        usage = document.get("usage")
        if usage:
            said.usage = (usage["prompt_tokens"], usage["completion_tokens"])

    def read(self, document):
        assert document["object"] == "chat.completion"
        choice = document["choices"][0]
        said = Said(text=choice["message"].get("content") or "")
        for call in choice["message"].get("tool_calls") or []:
            said.calls.append((call["function"]["name"], json.loads(call["function"]["arguments"])))
        said.finish = {v: k for k, v in self.finishes.items()}[choice["finish_reason"]]
        self.read_usage(document, said)
        return said

    def read_stream(self, body):
        said, calls = Said(), []
        for _, data in sse_events(body):
            if data == "[DONE]":
                said.done = not said.error
                continue
            document = json.loads(data)
            if "error" in document:
                said.error = self.read_error(document)
                continue
            self.read_usage(document, said)
            for choice in document["choices"]:
                said.text += choice["delta"].get("content") or ""
                for call in choice["delta"].get("tool_calls") or []:
                    if call["index"] == len(calls):
                        calls.append([call["function"]["name"], ""])
                    calls[call["index"]][1] += call["function"].get("arguments") or ""
                if choice["finish_reason"]:
                    said.finish = {v: k for k, v in self.finishes.items()}[choice["finish_reason"]]
        said.calls = [(name, json.loads(args)) for name, args in calls]
        return said

    def error(self, status, message):
        return {"error": {"message": message, "type": "some_error", "param": None, "code": None}}

    def error_event(self, message):
        return sse(self.error(500, message))

    def read_error(self, document):
        assert set(document) == {"error"}
        assert set(document["error"]) == {"message", "type", "param", "code"}
        return document["error"]["message"]


class OpenAIResponses(Wire):
    name = "openai_responses"
    provider_path = "/responses"

    def asks(self, message="hi", stream=False, model="up/m"):
        return "/v1/responses", {"model": model, "input": message, "stream": stream}

    def response(self, said, status=None):
        output = []
        if said.text:
            output.append({"type": "message", "id": "msg_1", "role": "assistant",
                           "status": "completed", "content": [
                               {"type": "output_text", "text": said.text, "annotations": []}]})
        output += [{"type": "function_call", "id": f"fc_{i}", "call_id": f"call_{i}", "name": name,
                    "arguments": compact(args), "status": "completed"}
                   for i, (name, args) in enumerate(said.calls)]
        status = status or ("incomplete" if said.finish == "length" else "completed")
        reason = {"reason": "max_output_tokens"} if status == "incomplete" else None
        usage = {"input_tokens": said.usage[0], "output_tokens": said.usage[1],
                 "total_tokens": sum(said.usage), "input_tokens_details": {"cached_tokens": 0},
                 "output_tokens_details": {"reasoning_tokens": 0}}
        return {"id": "resp_1", "object": "response", "created_at": 1, "status": status,
                "model": "m", "output": output, "incomplete_details": reason, "error": None,
                "usage": usage}

    def whole(self, said):
        return self.response(said)

    def stream(self, said):
        pieces, number = [], 0

        def event(kind, **more):
            nonlocal number
            pieces.append(sse({"type": kind, "sequence_number": number, **more}, kind))
            number += 1

        whole = self.response(said)
        event("response.created", response={**whole, "status": "in_progress", "output": [],
                                            "usage": None})
        for index, item in enumerate(whole["output"]):
            bare = {**item, "status": "in_progress"}
            at = {"output_index": index, "item_id": item["id"]}
            if item["type"] == "message":
                bare["content"] = []
                part = {"type": "output_text", "text": "", "annotations": []}
                event("response.output_item.added", output_index=index, item=bare)
                event("response.content_part.added", **at, content_index=0, part=part)
                for word in re.findall(r"\S+\s*", said.text):
                    event("response.output_text.delta", **at, content_index=0, delta=word)
                event("response.output_text.done", **at, content_index=0, text=said.text)
                event("response.content_part.done", **at, content_index=0,
                      part=item["content"][0])
            else:
                bare["arguments"] = ""
                event("response.output_item.added", output_index=index, item=bare)
                event("response.function_call_arguments.delta", **at, delta=item["arguments"])
                event("response.function_call_arguments.done", **at, arguments=item["arguments"])
            event("response.output_item.done", output_index=index, item=item)
        event(f"response.{whole['status']}", response=whole)
        return pieces

    def read(self, document):
        assert document["object"] == "response"
        said = Said()
        for item in document["output"]:
            if item["type"] == "message":
                said.text += "".join(part["text"] for part in item["content"])
            elif item["type"] == "function_call":
                said.calls.append((item["name"], json.loads(item["arguments"])))
        if document["status"] == "completed":
            said.finish = "tools" if said.calls else "stop"
        elif document["status"] == "incomplete":
            said.finish = "length"
        if document.get("usage"):
            said.usage = (document["usage"]["input_tokens"], document["usage"]["output_tokens"])
        return said

    def read_stream(self, body):
        said, text = Said(), ""
        for name, data in sse_events(body):
            document = json.loads(data)
            assert document["type"] == name
            if name == "response.output_text.delta":
                text += document["delta"]
            elif name in ("response.completed", "response.incomplete"):
                said = self.read(document["response"])
                said.done = True
                assert said.text == text
            elif name == "error":
                said.error = document["message"]
            elif name == "response.failed":
                said.error = document["response"]["error"]["message"]
        said.text = text
        return said

    error = OpenAIChat.error
    read_error = OpenAIChat.read_error

    def error_event(self, message):
        return sse({"type": "error", "code": None, "message": message, "param": None,
                    "sequence_number": 1}, "error")


class Anthropic(Wire):
    name = "anthropic"
    provider_path = "/messages"
    finishes = {"stop": "end_turn", "length": "max_tokens", "tools": "tool_use"}

    def asks(self, message="hi", stream=False, model="up/m"):
        return "/v1/messages", {"model": model, "max_tokens": 100, "stream": stream,
                                "messages": [{"role": "user", "content": message}]}

    def blocks(self, said):
        blocks = [{"type": "text", "text": said.text}] if said.text else []
        return blocks + [{"type": "tool_use", "id": f"toolu_{i}", "name": name, "input": args}
                         for i, (name, args) in enumerate(said.calls)]

    def message(self, said, **more):
        return {"id": "msg_1", "type": "message", "role": "assistant", "model": "m",
                "content": self.blocks(said), "stop_reason": self.finishes[said.finish],
                "stop_sequence": None,
                "usage": {"input_tokens": said.usage[0], "output_tokens": said.usage[1]}, **more}

    def whole(self, said):
        return self.message(said)

    def stream(self, said):
        def event(kind, **more):
            return sse({"type": kind, **more}, kind)

        start = self.message(said, content=[], stop_reason=None,
                             usage={"input_tokens": said.usage[0], "output_tokens": 1})
        pieces = [event("message_start", message=start), event("ping")]
        for index, block in enumerate(self.blocks(said)):
            if block["type"] == "text":
                bare = {**block, "text": ""}
                deltas = [{"type": "text_delta", "text": word}
                          for word in re.findall(r"\S+\s*", said.text)]
            else:
                bare = {**block, "input": {}}
                deltas = [{"type": "input_json_delta", "partial_json": compact(block["input"])}]
            pieces.append(event("content_block_start", index=index, content_block=bare))
            pieces += [event("content_block_delta", index=index, delta=delta) for delta in deltas]
            pieces.append(event("content_block_stop", index=index))
        usage = {"input_tokens": said.usage[0], "output_tokens": said.usage[1]}
        pieces.append(event("message_delta", usage=usage, delta={
            "stop_reason": self.finishes[said.finish], "stop_sequence": None}))
        return [*pieces, event("message_stop")]

    def read(self, document):
        assert document["type"] == "message"
        said = Said(finish={v: k for k, v in self.finishes.items()}[document["stop_reason"]])
        for block in document["content"]:
            if block["type"] == "text":
                said.text += block["text"]
            elif block["type"] == "tool_use":
                said.calls.append((block["name"], block["input"]))
        said.usage = (document["usage"]["input_tokens"], document["usage"]["output_tokens"])
        return said

    def read_stream(self, body):
        said, blocks, usage = Said(), [], {}
        for name, data in sse_events(body):
            document = json.loads(data)
            assert document["type"] == name
            if name == "message_start":
                usage = document["message"]["usage"]
            elif name == "content_block_start":
                assert document["index"] == len(blocks)
                blocks.append([document["content_block"], ""])
            elif name == "content_block_delta":
                delta = document["delta"]
                blocks[document["index"]][1] += delta.get("text") or delta.get("partial_json") or ""
            elif name == "message_delta":
                said.finish = {v: k for k, v in self.finishes.items()}[
                    document["delta"]["stop_reason"]]
                usage |= document["usage"]
                said.usage = (usage["input_tokens"], usage["output_tokens"])
            elif name == "message_stop":
                said.done = True
            elif name == "error":
                said.error = self.read_error(document)
        for block, text in blocks:
            if block["type"] == "text":
                said.text += text
            elif block["type"] == "tool_use":
                said.calls.append((block["name"], json.loads(text)))
        return said

    def error(self, status, message):
        return {"type": "error", "error": {"type": "some_error", "message": message}}

    def error_event(self, message):
        return sse(self.error(529, message), "error")

    def read_error(self, document):
        assert document["type"] == "error" and document["error"]["type"]
        return document["error"]["message"]


class Gemini(Wire):
    name = "gemini"
    provider_path = "/models/m:generateContent"
    finishes = {"stop": "STOP", "length": "MAX_TOKENS", "tools": "STOP"}

    def asks(self, message="hi", stream=False, model="up/m"):
        verb = "streamGenerateContent?alt=sse" if stream else "generateContent"
        return f"/v1beta/models/{model}:{verb}", {
            "contents": [{"role": "user", "parts": [{"text": message}]}]}

    def document(self, parts, finish=None, usage=None):
        candidate = {"content": {"role": "model", "parts": parts}, "index": 0}
        if finish:
            candidate["finishReason"] = self.finishes[finish]
        document = {"candidates": [candidate], "modelVersion": "m", "responseId": "r1"}
        if usage:
            document["usageMetadata"] = {"promptTokenCount": usage[0],
                                         "candidatesTokenCount": usage[1],
                                         "totalTokenCount": sum(usage)}
        return document

    def calls(self, said):
        return [{"functionCall": {"name": name, "args": args}} for name, args in said.calls]

    def whole(self, said):
        parts = [{"text": said.text}] if said.text else []
        return self.document(parts + self.calls(said), said.finish, said.usage)

    def stream(self, said):
        pieces = [self.document([{"text": word}], usage=(said.usage[0], 1))
                  for word in re.findall(r"\S+\s*", said.text)]
        pieces.append(self.document(self.calls(said) or [{"text": ""}], said.finish, said.usage))
        return [b"data: " + compact(piece).encode() + b"\r\n\r\n" for piece in pieces]

    def read(self, document):
        said = Said()
        self.add(document, said)
        return said

    def add(self, document, said):
        for candidate in document.get("candidates", []):
            for part in candidate.get("content", {}).get("parts", []):
                said.text += "" if part.get("thought") else part.get("text", "")
                if "functionCall" in part:
                    call = part["functionCall"]
                    said.calls.append((call["name"], call.get("args", {})))
            if candidate.get("finishReason"):
                said.finish = {"STOP": "stop", "MAX_TOKENS": "length"}[candidate["finishReason"]]
        if said.calls and said.finish == "stop":
            said.finish = "tools"
        usage = document.get("usageMetadata")
        if usage:
            said.usage = (usage["promptTokenCount"], usage.get("candidatesTokenCount", 0))

    def read_stream(self, body):
        said = Said()
        for _, data in sse_events(body):
            document = json.loads(data)
            if "error" in document:
                said.error = self.read_error(document)
            else:
                self.add(document, said)
        said.done = bool(said.finish) and not said.error
        return said

    def error(self, status, message):
        return {"error": {"code": status, "message": message, "status": "UNKNOWN"}}

    def error_event(self, message):
        return sse(self.error(500, message))

    def read_error(self, document):
        error = document["error"]
        assert isinstance(error["code"], int) and error["status"].isupper()
        return error["message"]


class Converse(Wire):
    name = "converse"
    provider_path = "/model/m/converse"
    stream_type = AWS
    finishes = {"stop": "end_turn", "length": "max_tokens", "tools": "tool_use"}

    def asks(self, message="hi", stream=False, model="up/m"):
        name = model.replace("/", "%2F")
        return f"/model/{name}/converse{'-stream' if stream else ''}", {
            "messages": [{"role": "user", "content": [{"text": message}]}]}

    def blocks(self, said):
        blocks = [{"text": said.text}] if said.text else []
        return blocks + [{"toolUse": {"toolUseId": f"tooluse_{i}", "name": name, "input": args}}
                         for i, (name, args) in enumerate(said.calls)]

    def usage(self, said):
        return {"inputTokens": said.usage[0], "outputTokens": said.usage[1],
                "totalTokens": sum(said.usage)}

    def whole(self, said):
        return {"output": {"message": {"role": "assistant", "content": self.blocks(said)}},
                "stopReason": self.finishes[said.finish], "usage": self.usage(said),
                "metrics": {"latencyMs": 1}}

    def stream(self, said):
        pieces = [aws_frame("messageStart", {"role": "assistant"})]
        for index, block in enumerate(self.blocks(said)):
            at = {"contentBlockIndex": index}
            if "text" in block:
                deltas = [{"text": word} for word in re.findall(r"\S+\s*", said.text)]
            else:
                use = block["toolUse"]
                start = {"toolUse": {"toolUseId": use["toolUseId"], "name": use["name"]}}
                pieces.append(aws_frame("contentBlockStart", {**at, "start": start}))
                deltas = [{"toolUse": {"input": compact(use["input"])}}]
            pieces += [aws_frame("contentBlockDelta", {**at, "delta": delta}) for delta in deltas]
            pieces.append(aws_frame("contentBlockStop", at))
        pieces.append(aws_frame("messageStop", {"stopReason": self.finishes[said.finish]}))
        return [*pieces, aws_frame("metadata", {"usage": self.usage(said)})]

    def read_usage(self, document, said):
        if document.get("usage"):
            said.usage = (document["usage"]["inputTokens"], document["usage"]["outputTokens"])

    def read(self, document):
        said = Said(finish={v: k for k, v in self.finishes.items()}[document["stopReason"]])
        for block in document["output"]["message"]["content"]:
            said.text += block.get("text", "")
            if "toolUse" in block:
                said.calls.append((block["toolUse"]["name"], block["toolUse"]["input"]))
        self.read_usage(document, said)
        return said

    def read_stream(self, body):
        said, calls, number = Said(), {}, 0
        for kind, name, document in aws_frames(body):
            if kind != "event":
                said.error = document["message"]
            elif name == "contentBlockStart" and "toolUse" in document["start"]:
                calls[document["contentBlockIndex"]] = [document["start"]["toolUse"]["name"], ""]
            elif name == "contentBlockDelta":
                said.text += document["delta"].get("text", "")
                if "toolUse" in document["delta"]:
                    number = document["contentBlockIndex"]
                    calls[number][1] += document["delta"]["toolUse"]["input"]
            elif name == "messageStop":
                said.finish = {v: k for k, v in self.finishes.items()}[document["stopReason"]]
            elif name == "metadata":
                self.read_usage(document, said)
        said.calls = [(name, json.loads(args)) for name, args in calls.values()]
        said.done = bool(said.finish) and not said.error
        return said

    def error(self, status, message):
        return {"message": message}

    def error_event(self, message):
        return aws_frame("modelStreamErrorException", {"message": message}, "exception")

    def read_error(self, document):
        return document["message"]


class Cohere(Wire):
    name = "cohere"
    provider_path = "/chat"
    finishes = {"stop": "COMPLETE", "length": "MAX_TOKENS", "tools": "TOOL_CALL"}

    def asks(self, message="hi", stream=False, model="up/m"):
        return "/v2/chat", {"model": model, "stream": stream,
                            "messages": [{"role": "user", "content": message}]}

    def usage(self, said):
        counts = {"input_tokens": said.usage[0], "output_tokens": said.usage[1]}
        return {"billed_units": counts, "tokens": counts}

    def calls(self, said):
        return [{"id": f"call_{i}", "type": "function",
                 "function": {"name": name, "arguments": compact(args)}}
                for i, (name, args) in enumerate(said.calls)]

    def whole(self, said):
        message = {"role": "assistant"}
        if said.text:
            message["content"] = [{"type": "text", "text": said.text}]
        if said.calls:
            message["tool_calls"] = self.calls(said)
        return {"id": "c1", "finish_reason": self.finishes[said.finish], "message": message,
                "usage": self.usage(said)}

    def stream(self, said):
        def event(kind, **more):
            return sse({"type": kind, **more}, kind)

        pieces = [event("message-start", id="c1", delta={"message": {
            "role": "assistant", "content": [], "tool_calls": [], "citations": []}})]
        if said.text:
            pieces.append(event("content-start", index=0, delta={
                "message": {"content": {"type": "text", "text": ""}}}))
            pieces += [event("content-delta", index=0, delta={"message": {"content": {
                "text": word}}}) for word in re.findall(r"\S+\s*", said.text)]
            pieces.append(event("content-end", index=0))
        for i, call in enumerate(self.calls(said)):
            args = call["function"]["arguments"]
            bare = {**call, "function": {**call["function"], "arguments": ""}}
            pieces.append(event("tool-call-start", index=i, delta={"message": {
                "tool_calls": bare}}))
            pieces.append(event("tool-call-delta", index=i, delta={"message": {"tool_calls": {
                "function": {"arguments": args}}}}))
            pieces.append(event("tool-call-end", index=i))
        pieces.append(event("message-end", delta={
            "finish_reason": self.finishes[said.finish], "usage": self.usage(said)}))
        return [*pieces, b"data: [DONE]\n\n"]

    def read_usage(self, usage, said):
        if usage:
            said.usage = tuple(int(usage["tokens"][key])
                               for key in ("input_tokens", "output_tokens"))

    def read(self, document):
        said = Said(finish={v: k for k, v in self.finishes.items()}[document["finish_reason"]])
        message = document["message"]
        said.text = "".join(part.get("text", "") for part in message.get("content") or [])
        for call in message.get("tool_calls") or []:
            said.calls.append((call["function"]["name"], json.loads(call["function"]["arguments"])))
        self.read_usage(document.get("usage"), said)
        return said

    def read_stream(self, body):
        said, calls = Said(), []
        for name, data in sse_events(body):
            if data == "[DONE]":
                continue
            document = json.loads(data)
            message = document.get("delta", {}).get("message", {})
            if document["type"] == "content-delta":
                said.text += message["content"].get("text", "")
            elif document["type"] == "tool-call-start":
                function = message["tool_calls"]["function"]
                calls.append([function["name"], function.get("arguments", "")])
            elif document["type"] == "tool-call-delta":
                calls[-1][1] += message["tool_calls"]["function"]["arguments"]
            elif document["type"] == "message-end":
                delta = document["delta"]
                if delta.get("error") or delta.get("finish_reason") == "ERROR":
                    said.error = delta.get("error") or "an error"
                else:
                    said.finish = {v: k for k, v in self.finishes.items()}[delta["finish_reason"]]
                    said.done = True
                self.read_usage(delta.get("usage"), said)
        said.calls = [(name, json.loads(args)) for name, args in calls]
        return said

    def error(self, status, message):
        return {"id": "e1", "message": message}

    def error_event(self, message):
        return sse({"type": "message-end", "delta": {"finish_reason": "ERROR", "error": message}},
                   "message-end")

    def read_error(self, document):
        return document["message"]


def wires():
    """Those that the core has."""
    source = (ROOT / "core" / "dialect" / "dialects.c").read_text()
    there = set(re.findall(r"&dialect_(\w+),", source))
    every = [OpenAIChat(), OpenAIResponses(), Anthropic(), Gemini(), Converse(), Cohere()]
    return [wire for wire in every if wire.name in there]
