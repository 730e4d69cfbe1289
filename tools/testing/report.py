# SPDX-License-Identifier: LGPL-2.1-or-later
"""What a person sees: a heading a build, a line a step, the log of what failed, and the count as the last line."""

import os
import time
from pathlib import Path

from testlog import FAIL, SKIP, Count

LOG_LINES = 200  # of what failed; the whole log stays in its file


class Report:
    def __init__(self):
        self.total = Count()
        # CI has all it needs: there a skip is a tier that silently went missing.
        self.strict = os.environ.get("CI") == "true"
        self.n_skipped_as_failed = 0

    def heading(self, text: str) -> None:
        print(f"\n== {text}", flush=True)

    def line(self, name: str, count: Count, seconds: float, note: str = "") -> None:
        verdict = "FAILED" if count.failed else "skipped" if count.skipped and not count.passed else "ok"
        print(f"   {name:<24} {verdict:<8}{seconds:6.1f} s  {note}".rstrip(), flush=True)

    def log(self, text: str) -> None:
        lines = text.rstrip("\n").splitlines()
        if len(lines) > LOG_LINES:
            lines = [f"[{len(lines) - LOG_LINES} lines before these]"] + lines[-LOG_LINES:]
        print("".join(f"      | {line}\n" for line in lines), end="", flush=True)

    def add(self, count: Count) -> None:
        if self.strict:
            self.n_skipped_as_failed += count.skipped
            count = Count(count.passed, count.failed + count.skipped)
        self.total += count

    def skip(self, name: str, reason: str) -> None:
        self.line(name, SKIP, 0, reason)
        self.add(SKIP)

    def fail(self, name: str, lines: list[str], seconds: float = 0) -> None:
        self.line(name, FAIL, seconds)
        self.log("\n".join(lines))
        self.add(FAIL)

    def close(self) -> int:
        if self.n_skipped_as_failed:
            print(f"\n{self.n_skipped_as_failed} skipped tests count as failed (CI=true)")
        print(f"\n{self.total}", flush=True)
        return 1 if self.total.failed or not self.total.passed else 0


class Stopwatch:
    def __init__(self):
        self._start = time.monotonic()

    @property
    def seconds(self) -> float:
        return time.monotonic() - self._start


def read_log(path: Path) -> str:
    return path.read_text(encoding="utf-8", errors="replace")
