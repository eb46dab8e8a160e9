"""The official SDKs of Python and LangChain above them, unchanged but for their base URL, with a
provider of each format behind the gateway. What they make of the answers must be right to the
token, and what fails must raise their own exceptions."""

import dataclasses

import pytest
import python_sdks
import scenarios
from results import LIMITS, Results

from support.place import WIRES, Place

results = Results()


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    one = Place(tmp_path_factory.mktemp("place"))
    one.handler = scenarios.Script(WIRES)
    yield one
    one.stop()


@pytest.fixture(scope="module", params=python_sdks.EVERY, ids=lambda sdk: sdk.name)
def sdk(request, place):
    if not python_sdks.is_there(request.param):
        pytest.skip(f"{request.param.module} is not installed: tests/sdk/requirements.txt")
    python_sdks.no_surroundings()
    return request.param(place.gate.port)


def check(sdk, model, name):
    if name.startswith("error_") and name != "error_stream":
        status = int(name.removeprefix("error_"))
        with pytest.raises(sdk.error(status)) as raised:
            sdk.ask(model, name)
        assert scenarios.why(status) in str(raised.value)
    elif name in ("error_stream", "broken_stream"):
        with pytest.raises(sdk.error(0)):
            sdk.ask(model, name)
    elif name == "schema":
        assert sdk.ask(model, name) == scenarios.LEVEL
    else:
        said, want = sdk.ask(model, name), scenarios.expected(name)
        if name.endswith("_stream") and not sdk.stream_usage:
            want = dataclasses.replace(want, usage=())
        assert said == want


@pytest.mark.parametrize("name", scenarios.NAMES)
@pytest.mark.parametrize("wire", WIRES, ids=lambda wire: wire.name)
def test_the_sdk_gets_what_the_provider_says(sdk, wire, name):
    if LIMITS.apply(sdk.title, wire.name, name):
        with pytest.raises(sdk.errors.ResponseValidationError):
            sdk.ask(f"{wire.name}/m", name)
        results.add(sdk.title, "Python", wire.name, name, None)
        return
    with results.of(sdk.title, "Python", wire.name, name):
        check(sdk, f"{wire.name}/m", name)
