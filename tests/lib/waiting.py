# SPDX-License-Identifier: LGPL-2.1-or-later
"""Tests wait for conditions, never for a time to pass: a busy machine makes them slow, not wrong."""

import time

SECONDS = 60  # far more than anything here takes


class TooLate(AssertionError):
    pass


def until(condition, what: str, seconds: float = SECONDS, pause: float = 0.01):
    """Asks again and again until the answer is true, and returns it. what, text or function: what was waited for."""
    deadline = time.monotonic() + seconds
    while True:
        answer = condition()
        if answer:
            return answer
        if time.monotonic() >= deadline:
            raise TooLate(f"not within {seconds:g} s: {what() if callable(what) else what}")
        time.sleep(pause)
