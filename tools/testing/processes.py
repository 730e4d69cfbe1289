# SPDX-License-Identifier: LGPL-2.1-or-later
"""Runs commands, and knows every process that came out of them.

This process is the reaper of its descendants: whatever a command leaves behind becomes our child. So leftovers are
found by parentage and ended by their id, and no process of anybody else is ever touched.
"""

import ctypes
import os
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

PR_SET_CHILD_SUBREAPER = 36

GRACE_SECONDS = 10.0  # for a daemon to detach what it holds after SIGTERM
EXIT_SECONDS = 2.0  # for what was already ending when its parent ended


class Interrupted(BaseException):
    def __init__(self, number: int):
        super().__init__(signal.Signals(number).name)
        self.number = number


def _raise_interrupted(number, _frame):
    raise Interrupted(number)


def set_up() -> None:
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) != 0:
        raise OSError(ctypes.get_errno(), "cannot become the reaper of what the tests start")
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, _raise_interrupted)


class Command(NamedTuple):
    words: list[str]
    log: Path  # its output
    env: dict[str, str] = {}  # beside our own
    cwd: Path | None = None


class Ended(NamedTuple):
    command: Command
    status: int  # the exit status, 128 + N for signal N
    seconds: float


def _start(command: Command) -> subprocess.Popen:
    with open(command.log, "wb") as out:
        return subprocess.Popen(
            command.words,
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=subprocess.STDOUT,
            env={**os.environ, **command.env},
            cwd=command.cwd,
            start_new_session=True,  # a Ctrl-C at the terminal is for us; we end the command in order
        )


def run_all(commands: list[Command], at_once: int) -> Iterator[Ended]:
    """Runs them all to their end, so many at a time; each is told as it ends."""
    waiting = list(commands)
    running = {}
    while waiting or running:
        while waiting and len(running) < at_once:
            process = _start(waiting[0])
            running[process.pid] = (waiting.pop(0), process, time.monotonic())
        # Orphans are reaped at once: a test may wait for a daemon's id to vanish.
        ended = os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOWAIT)
        if ended.si_pid not in running:
            os.waitpid(ended.si_pid, 0)
            continue
        command, process, start = running.pop(ended.si_pid)
        status = process.wait()
        yield Ended(command, status if status >= 0 else 128 - status, time.monotonic() - start)


def run(words: list[str], log: Path, env: dict[str, str] | None = None, cwd: Path | None = None) -> int:
    """Runs one. Returns the exit status, 128 + N for signal N."""
    (ended,) = run_all([Command(words, log, env or {}, cwd)], 1)
    return ended.status


def _parents() -> dict[int, int]:
    """Parent of each living process; zombies are left out."""
    found = {}
    for entry in os.listdir("/proc"):
        if not entry.isdigit():
            continue
        try:
            stat = Path(f"/proc/{entry}/stat").read_text(encoding="utf-8", errors="replace")
        except OSError:
            continue
        state, parent = stat.rpartition(")")[2].split()[:2]
        if state not in "ZX":
            found[int(entry)] = int(parent)
    return found


def descendants() -> list[int]:
    parents = _parents()
    found = [os.getpid()]
    for pid in found:  # grows while we walk
        found += [child for child, parent in parents.items() if parent == pid]
    return found[1:]


def _reap() -> bool:
    """Reaps what has ended. True: no child is left, so no descendant either."""
    try:
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass
    except ChildProcessError:
        return True
    return False


def _wait_for_none(seconds: float) -> bool:
    """Waits until no descendant is left, so long at most."""
    deadline = time.monotonic() + seconds
    while not _reap():
        if time.monotonic() >= deadline:
            return False
        time.sleep(0.02)
    return True


def describe(pid: int) -> str:
    try:
        words = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
    except OSError:
        words = []
    return f"{pid} ({b' '.join(words).decode(errors='replace').strip()})"


def left_over() -> list[str]:
    """After a command has ended: what it left running, for a person to read."""
    return [] if _wait_for_none(EXIT_SECONDS) else [describe(pid) for pid in descendants()]


def _signal_all(number: int) -> None:
    for pid in descendants():
        try:
            os.kill(pid, number)
        except ProcessLookupError:
            pass


def end_all() -> None:
    """Ends all that we started and all that came of it; asks first."""
    _signal_all(signal.SIGTERM)
    is_over = _wait_for_none(GRACE_SECONDS)
    while not is_over:
        _signal_all(signal.SIGKILL)
        is_over = _wait_for_none(1.0)
