"""A program that runs beside the test: its lines are collected, and it is ended by its pid."""

import os
import re
import signal
import subprocess
import threading

from .wait import PATIENCE, wait_for


class Program:
    def __init__(self, argv, env=None, cwd=None, preexec=None):
        self.argv = [str(word) for word in argv]
        self.lines = []
        self.process = subprocess.Popen(
            self.argv,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            env={**os.environ, **(env or {})},
            cwd=cwd,
            preexec_fn=preexec,
        )
        self.reader = threading.Thread(target=self._collect, daemon=True)
        self.reader.start()

    def _collect(self):
        for line in self.process.stdout:
            self.lines.append(line.decode("utf-8", "replace").rstrip("\n"))

    @property
    def pid(self):
        return self.process.pid

    @property
    def is_running(self):
        return self.process.poll() is None

    def output(self):
        return "\n".join(self.lines)

    def find(self, pattern, start=0):
        """The first match in a line from number `start` on."""
        for line in self.lines[start:]:
            match = re.search(pattern, line)
            if match:
                return match
        return None

    def wait_line(self, pattern, seconds=10.0, start=0):
        def look():
            found = self.find(pattern, start)
            if not found and not self.is_running:
                self.reader.join(1)
                found = self.find(pattern, start)
                if not found:
                    raise AssertionError(f"{self.argv[:2]} ended without {pattern!r}")
            return found

        try:
            return wait_for(look, f"a line like {pattern!r}", seconds)
        except AssertionError as failure:
            raise AssertionError(f"{failure}\n{self.output()}") from None

    def signal(self, number):
        self.process.send_signal(number)

    def wait(self, seconds=10.0):
        """The exit status."""
        status = self.process.wait(seconds * PATIENCE)
        self.reader.join(1)
        return status

    def stop(self):
        """Ends it whatever it does. Returns the exit status."""
        if self.is_running:
            self.signal(signal.SIGTERM)
            try:
                self.process.wait(15 * PATIENCE)
            except subprocess.TimeoutExpired:
                self.signal(signal.SIGKILL)
        return self.wait()
