"""A gateway with the simulator behind it: what an SDK is pointed at."""

import pytest

from support.gateway import Gateway
from support.simulator import Simulator


class Stand:
    def __init__(self, folder):
        self.sim = Simulator(folder)
        self.gate = Gateway(folder / "gateway", {"up": {
            "base_url": self.sim.url, "timeouts": {"first_byte": "2s", "idle": "2s"}}})
        self.url = f"http://127.0.0.1:{self.gate.port}/v1"

    def stop(self):
        statuses = [self.gate.stop(), self.sim.stop()]
        assert statuses == [0, 0], self.gate.output()


@pytest.fixture(scope="module")
def stand(tmp_path_factory):
    one = Stand(tmp_path_factory.mktemp("stand"))
    yield one
    one.stop()
