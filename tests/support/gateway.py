"""The gateway beside a test: a folder with headgate.lua and routes, and its processes."""

import json
import os
import re
import signal
import subprocess
from pathlib import Path

from .client import ask
from .places import HEADGATE, plugins
from .program import Program
from .records import read_lines
from .wait import PATIENCE, wait_for


def lua(value) -> str:
    """A Python value as Lua source. A `Lua` text stays as it is."""
    if isinstance(value, Lua):
        return str(value)
    if value is None:
        return "nil"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (int, float)):
        return repr(value)
    if isinstance(value, (list, tuple)):
        return "{ " + ", ".join(lua(item) for item in value) + " }"
    if isinstance(value, dict):
        return "{ " + ", ".join(f"[{lua(key)}] = {lua(item)}" for key, item in value.items()) + " }"
    quoted = json.dumps(str(value), ensure_ascii=False)
    return re.sub(r"\\u([0-9a-fA-F]{4})", r"\\u{\1}", quoted)


class Lua(str):
    """Source, not a text."""


def secret(name):
    return Lua(f"secret {lua(name)}")


class Gateway(Program):
    """`providers` maps names to URLs or to tables of settings; `config` is more Lua for
    headgate.lua; `routes` maps file names to sources."""

    def __init__(self, folder: Path, providers=(), config="", routes=(), workers=1, log=True,
                 env=None, admin=True, listen="127.0.0.1:0", preexec=None, wait=True,
                 plugin_path=None):
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True)
        self.log_path = folder / "access.jsonl"
        self.settings = dict(workers=workers, log=log, admin=admin, listen=listen,
                             plugin_path=plugin_path or plugins())
        self.write(providers, config, routes)
        self.env = {"UP_KEY": "sk-canary-upstream-key", **(env or {})}
        self.run_dir = folder / "run"
        super().__init__(
            [HEADGATE, "run", "-c", folder / "headgate.lua", "--run-dir", self.run_dir],
            env=self.env, cwd=folder, preexec=preexec,
        )
        if wait:
            self.port = int(self.wait_line(r"listening on http://[^ ]*:(\d+)").group(1))
            self.admin_port = (
                int(self.wait_line(r"admin on http://[^ ]*:(\d+)").group(1)) if admin else None
            )
            self.wait_ready()

    def write(self, providers=(), config="", routes=()):
        """Writes headgate.lua and the routes, for a start or for a reload."""
        lines = [f"listen {lua(self.settings['listen'])}"]
        if self.settings["admin"]:
            lines.append('admin "127.0.0.1:0"')
        lines.append(f"workers({self.settings['workers']})")
        for folder in (self.settings["plugin_path"] or "").split(":"):
            if folder:
                lines.append(f"plugin_path {lua(folder)}")
        for name, settings in dict(providers).items():
            if isinstance(settings, str):
                settings = {"base_url": settings}
            table = {"plugin": "openai", "api_key": secret("UP_KEY"), **settings}
            lines.append(f"provider {lua(name)} {lua(table)}")
        if self.settings["log"]:
            lines.append(f'logger "access" {{ plugin = "jsonl", path = {lua(self.log_path)} }}')
        if config:
            lines.append(config)
        if routes:
            (self.folder / "routes").mkdir(exist_ok=True)
            for name, source in dict(routes).items():
                (self.folder / "routes" / name).write_text(source)
            lines.append('routes "routes/*.lua"')
        (self.folder / "headgate.lua").write_text("\n".join(lines) + "\n")

    # ---- what it is doing

    def admin(self, path, **more):
        return ask(self.admin_port, "GET", path, **more)

    def is_ready(self):
        if self.admin_port is None:
            return self.find("serves")
        return self.admin("/readyz").status == 200

    def wait_ready(self):
        wait_for(self.is_ready, "the gateway to be ready")

    def metrics(self):
        """{'name{labels}': value}"""
        values = {}
        for line in self.admin("/metrics").body.decode().splitlines():
            if line and not line.startswith("#"):
                name, _, value = line.rpartition(" ")
                values[name] = float(value)
        return values

    def state(self):
        result = self.command("status", "--json")
        assert result.returncode == 0, result.stderr
        return json.loads(result.stdout)

    def processes(self, kind="worker"):
        """The pids of the living children of that kind."""
        children = self.state()["processes"]
        return [child["pid"] for child in children if child["kind"] == kind and child["pid"] > 0]

    def command(self, name, *options):
        return subprocess.run(
            [HEADGATE, name, "--run-dir", self.run_dir, *options], env={**os.environ, **self.env},
            cwd=self.folder, capture_output=True, text=True, timeout=30 * PATIENCE,
        )

    def reload(self):
        """The result of `headgate reload`, which waits until it is decided."""
        return self.command("reload")

    # ---- what it has written

    def records(self):
        return read_lines(self.log_path)

    def wait_records(self, count=1, seconds=10.0):
        """All records, once there are so many."""
        wait_for(lambda: len(self.records()) >= count, f"{count} records", seconds)
        return self.records()

    def everything_written(self):
        """All that it has said anywhere, for canaries."""
        text = self.output()
        for path in self.folder.rglob("*"):
            if path.is_file() and path.suffix not in (".lua",) and path.name != "lock":
                text += path.read_bytes().decode("utf-8", "replace")
        return text

    def kill_all(self):
        if self.is_running:
            self.signal(signal.SIGKILL)
