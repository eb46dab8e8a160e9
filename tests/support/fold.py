"""An independent reader of answers in OpenAI's form, whole or streamed: what did the model say?

It is no part of the gateway and shares nothing with it, so both being wrong in the same way is
unlikely."""

import json

from .client import sse_events


def _text(content):
    if isinstance(content, list):
        return "".join(part.get("text") or "" for part in content if part.get("type") == "text")
    return content or ""


def _reasoning(message):
    content = message.get("content")
    said = message.get("reasoning_content") or message.get("reasoning") or ""
    if isinstance(content, list):
        for part in content:
            if part.get("type") == "thinking":
                said += "".join(piece.get("text") or "" for piece in part.get("thinking") or [])
    return said if isinstance(said, str) else ""


def _usage(document):
    usage = document.get("usage")
    return usage if usage is not None else (document.get("x_groq") or {}).get("usage")


def fold_whole(document):
    choice = (document.get("choices") or [{}])[0]
    message = choice.get("message") or {"content": choice.get("text")}
    calls = message.get("tool_calls") or []
    return {
        "text": _text(message.get("content")),
        "reasoning": _reasoning(message),
        "tool_calls": [(call.get("id"), call["function"]["name"], call["function"]["arguments"])
                       for call in calls],
        "finish_reason": choice.get("finish_reason"),
        "usage": _usage(document),
        "error": document.get("error"),
    }


def _add_call(calls, delta):
    call = calls.setdefault(delta.get("index", len(calls)), [None, "", ""])
    function = delta.get("function") or {}
    call[0] = delta.get("id") or call[0]
    call[1] = function.get("name") or call[1]
    arguments = function.get("arguments") or ""
    call[2] += arguments if isinstance(arguments, str) else json.dumps(arguments)


def fold_stream(body: bytes):
    said = {"text": "", "reasoning": "", "tool_calls": {}, "finish_reason": None, "usage": None,
            "error": None}
    for name, data in sse_events(body + b"\n\n"):
        if data.strip().startswith("[DONE]"):
            break
        try:
            chunk = json.loads(data)
        except ValueError:
            said["error"] = data
            continue
        if not isinstance(chunk, dict):
            continue
        if name == "error" or chunk.get("error"):
            said["error"] = chunk.get("error") or chunk
        said["usage"] = _usage(chunk) or said["usage"]
        for choice in chunk.get("choices") or []:
            if choice.get("index", 0) != 0:
                continue
            delta = choice.get("delta") or {"content": choice.get("text")}
            said["text"] += _text(delta.get("content"))
            said["reasoning"] += _reasoning(delta)
            for call in delta.get("tool_calls") or []:
                _add_call(said["tool_calls"], call)
            said["finish_reason"] = choice.get("finish_reason") or said["finish_reason"]
    said["tool_calls"] = [tuple(call) for _, call in sorted(said["tool_calls"].items())]
    return said


def fold(body: bytes, is_stream: bool):
    return fold_stream(body) if is_stream else fold_whole(json.loads(body))


def derived_of(cassette):
    """What the recording's own oracle says, in the same form; only what it knows."""
    derived = cassette.get("derived") or {}
    known = {key: derived[key] for key in ("text", "reasoning", "finish_reason", "usage")
             if key in derived}
    if "tool_calls" in derived:
        known["tool_calls"] = [(call.get("id"), call["name"], call["arguments"])
                               for call in derived["tool_calls"]]
    return known


def same(known, said):
    """Names of what differs. Arguments are compared as JSON."""
    def value(key, item):
        if key != "tool_calls":
            return item
        return [(id_, name, _as_json(arguments)) for id_, name, arguments in item]

    return [key for key in known if value(key, known[key]) != value(key, said[key])]


def _as_json(text):
    try:
        return json.loads(text)
    except ValueError:
        return text
