"""`headgate simulate` beside a test."""

from .places import HEADGATE
from .program import Program
from .records import read_lines


class Simulator(Program):
    def __init__(self, folder, *options):
        self.record = folder / f"simulate-{id(self):x}.jsonl"
        super().__init__([HEADGATE, "simulate", "--record", self.record, *options])
        self.port = int(self.wait_line(r"listening on http://127\.0\.0\.1:(\d+)").group(1))

    @property
    def url(self):
        return f"http://127.0.0.1:{self.port}/v1"

    def entries(self, event="request"):
        return [line for line in read_lines(self.record) if line["event"] == event]
