"""What an SDK is asked to do, and what the provider behind the gateway answers to it.

An SDK asks with a text that names the scenario, which reaches the provider whatever its format is;
the last name in a request counts."""

import re

from support.wires import Said, compact

TEXT = Said("Hello there, größe 😀\n\"x\" ", [], "stop", (7, 5))
CUT = Said("Hello and", [], "length", (7, 2))
CALL = Said("", [("get_time", {"zone": "Zürich", "n": [1, {"a": None}]})], "tools", (9, 4))
CALLS = Said("", [("get_time", {"zone": "Zürich"}), ("get_date", {})], "tools", (19, 8))
BOTH = Said("Let me see. ", [("get_time", {"zone": "a\nb"})], "tools", (9, 4))
RESULT = "ten past \"noon\" 🕛"
LEVEL = {"metres": 2.5, "rising": True, "names": ["größe", ""]}
SCHEMA = {
    "type": "object",
    "properties": {"metres": {"type": "number"}, "rising": {"type": "boolean"},
                   "names": {"type": "array", "items": {"type": "string"}}},
    "required": ["metres", "rising", "names"],
    "additionalProperties": False,
}
TOOLS = {
    "get_time": ("The time of a zone", {
        "type": "object",
        "properties": {"zone": {"type": "string"}, "n": {"type": "array", "items": {
            "type": "object", "properties": {"a": {"type": "string"}}}}},
        "required": ["zone"]}),
    "get_date": ("The date of today", {"type": "object", "properties": {}}),
}
STATUSES = (400, 404, 429, 500, 503)

# Those that a client asks for whole and those that it asks for as a stream.
SAYS = {"text": TEXT, "cut": CUT, "call": CALL, "calls": CALLS, "both": BOTH}
NAMES = [*SAYS, *(f"{name}_stream" for name in SAYS), "result", "result_stream", "schema",
         *(f"error_{status}" for status in STATUSES), "error_stream", "broken_stream"]
USES_TOOLS = ("call", "calls", "both", "result")


def prompt(name):
    return f"run={name}!"


def why(status):
    return f"because of {status}"


class Script:
    """Answers as a provider of one format would, and notes what an SDK's request lacked."""

    def __init__(self, wires):
        self.wires = {wire.provider_path: wire for wire in wires}

    def __call__(self, conn, request):
        path = request.target.split("?")[0].removeprefix("/v1")
        wire = self.wires[path]
        body = unescaped(compact(request.json()))
        found = re.findall(r"run=([a-z_0-9]+)!", body)
        if not found:
            return conn.answer(wire.error(400, "names no scenario"), 400)
        name = found[-1]
        lacks = [piece for piece in needs(name) if piece not in body]
        if lacks:
            return conn.answer(wire.error(400, f"{name} lacks {lacks}: {body}"), 400)
        if name.startswith("error_") and name != "error_stream":
            status = int(name.removeprefix("error_"))
            return conn.answer(wire.error(status, why(status)), status)
        if name in ("error_stream", "broken_stream"):
            return fail(conn, wire, name)
        said = answer_to(name, request.json())
        if not name.endswith("_stream"):
            return conn.answer(wire.whole(said))
        send(conn, wire, wire.stream(said))


def unescaped(text):
    """JSON may stand in a string of JSON, and that in another one."""
    return re.sub(r"\\+u00fc", "ü", text).replace("\\", "")


def needs(name):
    """Pieces of text that must be in what the provider gets."""
    name = name.removesuffix("_stream")
    if name == "schema":
        return ["metres", "rising", "names"]
    pieces = ["get_time", "The time of a zone", "zone", "get_date"] if name in USES_TOOLS else []
    if name == "result":
        pieces += [RESULT, "Zürich"]
    return pieces


def answer_to(name, document):
    name = name.removesuffix("_stream")
    if name == "result":
        return TEXT
    if name != "schema":
        return SAYS[name]
    # Where a schema is kept to by a tool that must be called, the model calls it.
    if "\"name\":\"json\"" in compact([document.get("tools"), document.get("toolConfig")]):
        return Said("", [("json", LEVEL)], "tools", (9, 4))
    return Said(compact(LEVEL), [], "stop", (9, 4))


def send(conn, wire, pieces):
    conn.head(content_type=wire.stream_type)
    for piece in pieces:
        conn.chunk(piece)
    conn.end_chunks()


def fail(conn, wire, name):
    """The beginning of a stream, and then an error or nothing at all."""
    pieces = wire.stream(TEXT)
    first = next(i for i, piece in enumerate(pieces) if b"Hello" in piece) + 1
    if name == "error_stream":
        return send(conn, wire, [*pieces[:first], wire.error_event("it broke")])
    conn.head(content_type=wire.stream_type)
    for piece in pieces[:first]:
        conn.chunk(piece)
    conn.reset()


def expected(name):
    """What an SDK's typed result has to say."""
    name = name.removesuffix("_stream")
    return TEXT if name == "result" else SAYS.get(name)
