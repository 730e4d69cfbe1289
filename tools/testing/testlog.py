# SPDX-License-Identifier: LGPL-2.1-or-later
"""Counts tests: those inside a program where its output tells them (cmocka, TAP), else the program as one."""

import json
import re
from pathlib import Path
from typing import NamedTuple

SKIP_STATUS = 77


class Count(NamedTuple):
    passed: int = 0
    failed: int = 0
    skipped: int = 0

    def __add__(self, other):
        return Count(*(a + b for a, b in zip(self, other)))

    def __str__(self):
        skipped = f", {self.skipped} skipped" if self.skipped else ""
        return f"{self.passed} passed, {self.failed} failed{skipped}"


PASS, FAIL, SKIP = Count(passed=1), Count(failed=1), Count(skipped=1)

CLOSING_LINE = re.compile(r"^(\d+) passed, (\d+) failed(?:, (\d+) skipped)?$", re.MULTILINE)
TAP_PLAN = re.compile(r"^1\.\.\d+", re.MULTILINE)
TAP_LINE = re.compile(r"^(not )?ok \d+(.*)$", re.MULTILINE)


def _cmocka(output: str) -> Count:
    def total(word: str) -> int:
        return sum(map(int, re.findall(rf"^\[\s+{word}\s+\] (\d+) test\(s\)", output, re.MULTILINE)))

    return Count(total("PASSED"), total("FAILED"), total("SKIPPED"))


def _tap(output: str) -> Count:
    count = Count()
    if TAP_PLAN.search(output):
        for bad, rest in TAP_LINE.findall(output):
            # cmocka 1.1 writes "not ok 2 # SKIP name"
            count += SKIP if re.match(r".*# SKIP", rest, re.IGNORECASE) else FAIL if bad else PASS
    return count


def _closing_line(output: str) -> Count:
    found = CLOSING_LINE.findall(output)
    return Count(*(int(n or 0) for n in found[-1])) if found else Count()


def count_inside(output: str) -> Count:
    """What the program says itself; all 0 if it says nothing."""
    return next((c for c in (_cmocka(output), _tap(output), _closing_line(output)) if any(c)), Count())


def count_program(output: str, verdict: Count) -> Count:
    """verdict is that of its exit status. A program that failed counts as failed whatever it said before."""
    inside = count_inside(output)
    if not any(inside) or verdict == SKIP:
        return verdict
    if verdict == FAIL and not inside.failed:
        return inside + FAIL
    return inside


SKIP_SUMMARY = re.compile(r"\d skipped|skipped=\d|test\(s\)", re.IGNORECASE)


def skip_reasons(output: str) -> list[str]:
    """The lines that name what was skipped and why; without such, the last line."""
    lines = [line.strip() for line in output.splitlines() if line.strip()]
    found = [line for line in lines if "skip" in line.lower() and not SKIP_SUMMARY.search(line)]
    return list(dict.fromkeys(found)) or lines[-1:]


class Result(NamedTuple):
    name: str
    count: Count
    seconds: float
    output: str
    status: str  # meson's word, such as TIMEOUT


VERDICTS = {"OK": PASS, "EXPECTEDFAIL": PASS, "SKIP": SKIP}


def read(path: Path) -> list[Result]:
    """meson's testlog.json: one object a line."""
    results = []
    for line in path.read_text(encoding="utf-8").splitlines() if path.exists() else []:
        entry = json.loads(line)
        output = (entry.get("stdout") or "") + (entry.get("stderr") or "")
        count = count_program(output, VERDICTS.get(entry["result"], FAIL))
        name = entry["name"].rpartition(" / ")[2]  # "project:suite / name"
        results.append(Result(name, count, entry["duration"], output, entry["result"]))
    return results
