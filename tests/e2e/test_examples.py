"""The ten example routes, each in a gateway of its own with the instances that it names."""

import json
import os
import re
import subprocess

import pytest

from support.client import chat
from support.gateway import lua
from support.places import HEADGATE, ROOT, plugins
from support.upstream import chat_json, plain

EXAMPLES = sorted(path for path in (ROOT / "examples" / "routes").glob("*.lua")
                  if not path.stem.endswith("_test"))


def names(source, pattern):
    return sorted(set(re.findall(pattern, source)))


def instances(source, server):
    """The Lua that declares what the route needs, with plugins that need no other server."""
    lines = [f'cache {lua(name)} {{ plugin = "memory", max_size = "16MB" }}'
             for name in names(source, r'store = "([\w-]+)"')]
    lists = " ".join(re.findall(r"(?:input|output) = \{([^}]*)\}", source))
    judge = '{ plugin = "regex", sets = { "credit_card" }, action = "deny" }'
    lines += [f"guard {lua(name)} {judge}"
              for name in names(lists, r'"([\w-]+)"')]
    lines += [f"http {lua(name)} {{ base_url = {lua(f'http://127.0.0.1:{server.port}')} }}"
              for name in names(source, r's\.http "([\w-]+)"')]
    return "\n".join(lines)


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda path: path.stem)
def test_an_example_serves_chats_and_streams(gateway, upstream, example):
    source = example.read_text()
    models = upstream(plain)
    server = upstream(lambda conn, request: conn.answer({"active": True, "sub": "ann"}))
    providers = {name: models.url for name in names(source, r'target[ (]*"([\w-]+)/')}
    # The memory cache knows no semantic mode, and the example is about the shape of the route.
    runnable = re.sub(r'mode = "semantic", threshold = [\d.]+, ', "", source)
    gate = gateway(providers=providers, routes={example.name: runnable},
                   config=instances(source, server))
    for stream in (False, True):
        answer = chat(gate.port, f"Hello {stream}", stream=stream,
                      metadata={"latency": "low", "tier": "paid", "session": "s", "user": "u"},
                      headers={"Authorization": "Bearer token-1"})
        assert answer.status == 200, answer.body
        if not stream:
            assert answer.json() == chat_json()
        else:
            assert answer.events()[-1][1] == "[DONE]"
    assert len(models.requests) >= 2
    assert all("ok" in json.dumps(record) or "200" in json.dumps(record)
               for record in gate.wait_records(2)[:2])


def test_there_are_ten_examples():
    assert len(EXAMPLES) >= 10


def test_the_configuration_of_the_readme_is_right(tmp_path):
    readme = (ROOT / "README.md").read_text()
    for block in re.findall(r"```lua\n-- (\S+)\n(.*?)```", readme, re.S):
        file = tmp_path / block[0]
        file.parent.mkdir(exist_ok=True)
        file.write_text(block[1].replace("/var/log/headgate", str(tmp_path)))
    check = subprocess.run([HEADGATE, "check", "-c", tmp_path / "headgate.lua"],
                           env={**os.environ, "OPENAI_API_KEY": "sk-none",
                                "HEADGATE_PLUGIN_PATH": plugins() or ""},
                           capture_output=True, text=True, timeout=30, check=False)
    assert check.returncode == 0, check.stderr
    assert "1 route" in check.stdout
