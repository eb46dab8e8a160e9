"""Waiting for a condition. No test sleeps for a fixed time: it would be too long or too short."""

import os
import time

PATIENCE = float(os.environ.get("HEADGATE_TEST_PATIENCE", "1"))
"""A sanitizer or a busy machine makes everything slower: 3 waits three times as long."""


def wait_for(condition, what="the condition", seconds=10.0):
    """Returns the first true value of `condition()`."""
    end = time.monotonic() + seconds * PATIENCE
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > end:
            raise AssertionError(f"waited {seconds * PATIENCE:g} s in vain for {what}")
        time.sleep(0.005)
