"""Plugins of the tests' own, compiled with nothing but the SDK's headers."""

import shutil
import subprocess
from pathlib import Path

import pytest

from .places import ROOT, plugins


def compiled(folder: Path, *names) -> str:
    """The plugin path with those of tests/e2e/plugins by these names; skips without a compiler."""
    if not shutil.which("cc"):
        pytest.skip("no C compiler")
    for name in names:
        subprocess.run(["cc", "-shared", "-fPIC", "-O1", "-I", ROOT / "sdk" / "include", "-o",
                        folder / f"{name}.so", ROOT / "tests" / "e2e" / "plugins" / f"{name}.c"],
                       check=True)
    return f"{plugins()}:{folder}" if plugins() else str(folder)
