#!/usr/bin/env python3
"""Writes docs/compatibility.md from what the tests have found:

    HEADGATE_RESULTS=results tests/unit/dialect/test_translations
    HEADGATE_RESULTS=results tests/unit/dialect/test_roundtrip
    HEADGATE_RESULTS=results tests/unit/dialect/test_roundtrip_answers
    HEADGATE_RESULTS=results python3 -m pytest tests/sdk
    tests/compatibility.py results            writes the page
    tests/compatibility.py --check results    exit code 1 if the page is not what would be written

Parts without results stay as they are.
"""

import json
import sys
from pathlib import Path

import pitfalls

PAGE = pitfalls.ROOT / "docs" / "compatibility.md"
TITLES = {
    "openai_chat": "OpenAI Chat Completions",
    "openai_responses": "OpenAI Responses",
    "anthropic": "Anthropic Messages",
    "gemini": "Google Gemini",
    "converse": "Amazon Bedrock Converse",
    "cohere": "Cohere Chat v2",
}
HEAD = """# Compatibility

Made by `tests/compatibility.py` from what the tests find; do not edit.

A client may speak any of these formats, whatever the provider speaks. Each recorded answer of a
provider was read, written as each client's format, streamed and whole, and read back; it had to say
what an independent reader found in the recording: text, reasoning, tool calls, finish and tokens.
Streams were cut at random places.

Each recorded request, and thousands made by chance, were written as each provider's format and back
as the client's own: what was not there then is what `x-headgate-lost` had told, or an exception with
its reason.
"""


def table(head, rows):
    lines = ["| " + " | ".join(head) + " |", "|" + " --- |" * len(head)]
    return lines + ["| " + " | ".join(row) + " |" for row in rows]


def pairs_part(results):
    names = [name for name in TITLES if any(one["client"] == name for one in results)]
    of = {(one["provider"], one["client"]): one for one in results}
    lines = ["", "## Answers", "",
             "Recordings of the provider (rows) that clients (columns) were given, those of them "
             "that are streams, and the exceptions below that apply.", ""]
    noted, rows = [], []
    for provider in names:
        row = [TITLES[provider]]
        for client in names:
            one, numbers = of[provider, client], []
            for exception in one["exceptions"]:
                if exception not in noted:
                    noted.append(exception)
                numbers.append(str(noted.index(exception) + 1))
            notes = f" [{', '.join(numbers)}]" if numbers else ""
            row.append(f"{one['tapes']} ({one['streams']}){notes}")
        rows.append(row)
    lines += table(["Provider \\ Client", *(TITLES[name] for name in names)], rows)
    lines += ["", "## Exceptions", ""]
    for number, exception in enumerate(noted, 1):
        where = f"recording `{exception['tape']}`: " if exception["tape"] else ""
        lines.append(f"{number}. {where}{exception['reason']} ({exception['fields']})")
    return lines


def home_part(results):
    lines = ["", "## Answers there and home", "",
             "Answers made by chance were written in each format, brought into each other one and "
             "back. What did not come home:", ""]
    for one in results:
        home = f"{TITLES[one['home']]} by way of " if one["home"] else "by way of "
        lines.append(f"- {home}{TITLES[one['away']]}: {one['fields']}: {one['reason']}")
    return lines


def requests_part(results):
    names = [name for name in TITLES if any(one["client"] == name for one in results)]
    of = {(one["client"], one["provider"]): one for one in results}
    lines = ["", "## Requests", "",
             "Recorded requests of the client (rows) that were written for providers (columns) and "
             "back, and the exceptions below that apply.", ""]
    noted, rows = {}, []
    for client in names:
        row = [TITLES[client]]
        for provider in names:
            one, numbers = of[client, provider], []
            for exception in one["exceptions"]:
                whats = noted.setdefault(exception["reason"], [])
                if exception["what"] not in whats:
                    whats.append(exception["what"])
                numbers.append(list(noted).index(exception["reason"]) + 1)
            notes = f" [{', '.join(map(str, sorted(set(numbers))))}]" if numbers else ""
            row.append(f"{one['tapes']}{notes}")
        rows.append(row)
    lines += table(["Client \\ Provider", *(TITLES[name] for name in names)], rows)
    lines += ["", "## Exceptions of requests", ""]
    for number, (reason, whats) in enumerate(noted.items(), 1):
        lines.append(f"{number}. {reason} ({', '.join(whats)})")
    return lines


SDKS = """
Official SDKs, unmodified but for their base URL, with scripted providers of each format: whole
answers, streams, calls alone, in parallel and beside text, the turn after them, structured output,
the limit of tokens, errors and streams that break. How many of %d uses gave what the provider said,
to the token, and the SDK's own exception where it failed. Versions are in `tests/sdk/`.
"""
SDK_NOTES = """
* mistralai wants the function's name in every piece of a streamed call, which OpenAI's format says
  once: its streams of calls work only where a provider sends calls whole. It does not ask for the
  usage of streams, and who does not ask is not told.
* Amazon's SDK for Node speaks HTTP/2 unless it is told otherwise:
  `requestHandler: new NodeHttpHandler()`.
* Vercel AI on openai, Responses is `createOpenAI`; on openai, chat it is `createOpenAICompatible`.
* ollama's SDKs speak Ollama's own `/api/chat`, which is none of the formats of clients: use an SDK
  for OpenAI's format instead.
"""


def sdks_part(results):
    names = [name for name in TITLES if any(one["provider"] == name for one in results)]
    uses = len({one["scenario"] for one in results})
    found = {}
    for one in results:
        found.setdefault((one["language"], one["sdk"]), {}).setdefault(
            one["provider"], []).append(one["passed"])
    rows = []
    for (language, sdk), by in sorted(found.items(), key=lambda item: item[0][0] != "Python"):
        rows.append([sdk, language, *(str(by.get(name, []).count(True)) for name in names)])
    lines = ["", "## SDKs", *(SDKS % uses).rstrip().split("\n"), ""]
    lines += table(["SDK", "Language", *(TITLES[name] for name in names)], rows)
    return lines + SDK_NOTES.rstrip().split("\n")


def pitfalls_part():
    found = pitfalls.covered()
    lines = ["", "## Pitfalls", "",
             "Mistakes that gateways are known to have made, by the number of our handbook, and the "
             "test that fails if we make them.", ""]
    rows = []
    for number in range(1, pitfalls.COUNT + 1):
        if number in found:
            what = "<br>".join(f"`{test}` ({file})" for file, test in found[number])
        elif number in pitfalls.IMPOSSIBLE:
            what = "impossible because " + pitfalls.IMPOSSIBLE[number]
        else:
            what = "no test yet"
        rows.append([str(number), what])
    return lines + table(["Pitfall", "Test"], rows)


def formats_part(results):
    of = {kind: [one for one in results if one["kind"] == kind]
          for kind in ("answer", "home", "request")}
    return [*pairs_part(of["answer"]), *home_part(of["home"]), *requests_part(of["request"])]


def part_of(page, heading, next_heading):
    """The lines from one heading to another, with the empty line before."""
    lines = page.splitlines()
    at = [lines.index(f"## {one}") - 1 for one in (heading, next_heading)]
    return lines[at[0]:at[1]]


def page_of(results, before):
    of_sdks = [one for one in results if one["kind"] == "sdk"]
    others = [one for one in results if one["kind"] != "sdk"]
    lines = [HEAD.rstrip()]
    lines += formats_part(others) if others else part_of(before, "Answers", "SDKs")
    lines += sdks_part(of_sdks) if of_sdks else part_of(before, "SDKs", "Pitfalls")
    return "\n".join([*lines, *pitfalls_part()]) + "\n"


def main():
    is_check = "--check" in sys.argv[1:]
    files = [name for name in sys.argv[1:] if name != "--check"]
    if len(files) != 1:
        sys.exit(__doc__)
    results = [json.loads(line) for line in Path(files[0]).read_text().splitlines()]
    before = PAGE.read_text() if PAGE.exists() else ""
    page = page_of(results, before)
    if not is_check:
        PAGE.write_text(page)
    elif before != page:
        print("docs/compatibility.md is not what the tests have found: "
              "tests/compatibility.py build/compatibility.jsonl")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
