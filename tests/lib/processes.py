# SPDX-License-Identifier: LGPL-2.1-or-later
"""Processes by their parentage: what a test started is found and ended by its id, nobody else's is ever touched."""

import ctypes
import os
from pathlib import Path

PR_SET_CHILD_SUBREAPER = 36


def adopt_orphans() -> None:
    """What a process of ours leaves behind becomes our child, so it can be found."""
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) != 0:
        raise OSError(ctypes.get_errno(), "prctl")


def _stat(pid: str) -> tuple[str, str, int] | None:
    """Its name, state and parent."""
    try:
        text = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return None
    head, _, tail = text.rpartition(")")
    state, parent = tail.split()[:2]
    return head.partition("(")[2], state, int(parent)


def _all_children(parent: int) -> dict[int, tuple[str, str]]:
    """Each with its name and state."""
    stats = {int(pid): _stat(pid) for pid in os.listdir("/proc") if pid.isdigit()}
    return {pid: stat[:2] for pid, stat in stats.items() if stat and stat[2] == parent}


def children(parent: int) -> dict[int, str]:
    """The living children of a process, each with its name."""
    return {pid: name for pid, (name, state) in _all_children(parent).items() if state not in "ZX"}


def zombies(parent: int) -> list[int]:
    return [pid for pid, (_, state) in _all_children(parent).items() if state == "Z"]


def state_of(pid: int) -> str:
    """As in ps: R, S, D, T, Z; X: there is none."""
    stat = _stat(str(pid))
    return stat[1] if stat else "X"


def waits_in(pid: int) -> str:
    """The kernel function that it sleeps in."""
    return Path(f"/proc/{pid}/wchan").read_text(encoding="ascii")


def is_in_epoll(pid: int) -> bool:
    """It waits in an event loop, as sd-event does; not for one answer, as sd-bus does (poll)."""
    return waits_in(pid) in ("ep_poll", "do_epoll_wait")


def descriptors(pid: int) -> dict[int, str]:
    folder = Path(f"/proc/{pid}/fd")
    found = {}
    for fd in os.listdir(folder):
        try:
            found[int(fd)] = os.readlink(folder / fd)
        except OSError:
            pass
    return found


def memory_kib(pid: int, key: str) -> int:
    text = Path(f"/proc/{pid}/status").read_text(encoding="utf-8")
    return int(next(line for line in text.splitlines() if line.startswith(key + ":")).split()[1])


def reap() -> None:
    """Takes the status of orphans that have ended. Only for a caller with no child of his own to wait for."""
    try:
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass
    except ChildProcessError:
        pass
