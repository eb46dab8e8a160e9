"""Where things are: the program under test, its plugins, and the data outside the tree."""

import os
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
HEADGATE = Path(os.environ.get("HEADGATE_BIN", ROOT / "build" / "headgate")).absolute()
SHARED = Path(os.environ.get("HEADGATE_SHARED", ROOT.parent / "shared")).absolute()


def plugins() -> str | None:
    """The folders that hold the built plugins of a tree that is not installed, with ':' between."""
    named = os.environ.get("HEADGATE_PLUGIN_PATH")
    if named:
        return named
    beside = HEADGATE.parent
    for folder in (beside / ".libs", beside / "plugins" / ".libs", beside):
        if list(folder.glob("*_*.so")):
            return str(folder)
    return None
