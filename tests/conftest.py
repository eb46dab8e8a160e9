"""Fixtures of all suites. Each makes what a test asks for and ends it afterwards, by its pid."""

import os
import signal
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parent))

from support import places  # noqa: E402
from support.gateway import Gateway  # noqa: E402
from support.simulator import Simulator  # noqa: E402
from support.upstream import Upstream, plain  # noqa: E402
from support.wait import PATIENCE  # noqa: E402


@pytest.fixture(scope="session", autouse=True)
def headgate():
    """The program under test."""
    if not places.HEADGATE.exists():
        pytest.exit(f"{places.HEADGATE} is not built; build it or set HEADGATE_BIN", returncode=2)
    return places.HEADGATE


@pytest.fixture(autouse=True)
def alarm(request):
    """A test that hangs fails: after 60 s, or what its `seconds` mark says."""
    mark = request.node.get_closest_marker("seconds")
    seconds = (mark.args[0] if mark else 60) * PATIENCE

    def on_alarm(*_):
        raise TimeoutError(f"the test took more than {seconds:g} s")

    before = signal.signal(signal.SIGALRM, on_alarm)
    signal.alarm(int(seconds))
    yield
    signal.alarm(0)
    signal.signal(signal.SIGALRM, before)


def pytest_configure(config):
    config.addinivalue_line("markers", "seconds(n): the longest that this test may take")


@pytest.fixture
def upstream():
    """upstream(handler) starts a provider; see support/upstream.py."""
    made = []

    def make(handler=plain, tls=None, heads_only=False):
        made.append(Upstream(handler, tls, heads_only))
        return made[-1]

    yield make
    failures = []
    for one in made:
        try:
            one.stop()
        except BaseException as failure:
            failures.append(failure)
    if failures:
        raise failures[0]


@pytest.fixture
def gateway(tmp_path):
    """gateway(up, ...) starts one. A provider named "up" is made of the upstream given first;
    further arguments are those of Gateway."""
    made = []

    def make(up=None, providers=None, **more):
        providers = dict(providers or {})
        if up is not None:
            providers["up"] = up.url
        made.append(Gateway(tmp_path / f"gateway-{len(made)}", providers, **more))
        return made[-1]

    yield make
    crashed = []
    for one in made:  # what they say is shown with the failure of the test
        status = one.stop()
        text = one.output()
        print(text)
        if getattr(one, "may_crash", False):
            continue
        if "ERROR: AddressSanitizer" in text or "runtime error:" in text or "LeakSanitizer" in text:
            crashed.append(text[:6000])
        elif status not in (0, -signal.SIGKILL) and not getattr(one, "may_fail", False):
            crashed.append(f"exit status {status}\n{text}")
    assert not crashed, crashed[0]


@pytest.fixture
def simulator(tmp_path):
    """simulator(*options) starts `headgate simulate`."""
    made = []

    def make(*options):
        made.append(Simulator(tmp_path, *options))
        return made[-1]

    yield make
    for one in made:
        status = one.stop()
        assert status == 0, f"exit status {status}\n{one.output()}"


@pytest.fixture
def no_quarantine(monkeypatch):
    """A sanitizer keeps for a while what is freed; not where memory is measured."""
    options = [os.environ.get("ASAN_OPTIONS"), "quarantine_size_mb=1",
               "thread_local_quarantine_size_kb=64"]
    monkeypatch.setenv("ASAN_OPTIONS", ":".join(filter(None, options)))
