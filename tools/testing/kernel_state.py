# SPDX-License-Identifier: LGPL-2.1-or-later
"""What of struct_ops is in the kernel: recorded before the tests that touch it, compared after, mended if need be."""

import json
import os
import subprocess
import time
from pathlib import Path
from typing import NamedTuple

ALGORITHMS = Path("/proc/sys/net/ipv4/tcp_available_congestion_control")
SETTLE_SECONDS = 5.0  # maps are freed after RCU, and after the last socket that uses them


class State(NamedTuple):
    maps: frozenset[int]
    links: frozenset[int]
    algorithms: frozenset[str]


def _bpftool(*arguments: str) -> list[dict]:
    """bpftool fails on whatever goes away, or is not whole yet (EAGAIN), while it lists: then it lists once more."""
    for _ in range(50):
        done = subprocess.run(["bpftool", "-j", *arguments], capture_output=True, text=True, check=False)
        if done.returncode == 0:
            return json.loads(done.stdout or "[]")
        time.sleep(0.1)
    raise RuntimeError(f"bpftool {' '.join(arguments)}: {done.stderr}")


def _struct_ops_of(kind: str, *options: str) -> list[dict]:
    return [o for o in _bpftool(*options, kind, "show") if o.get("type") == "struct_ops"]


def record() -> State:
    return State(
        frozenset(m["id"] for m in _struct_ops_of("map")),
        frozenset(link["id"] for link in _struct_ops_of("link")),
        frozenset(ALGORITHMS.read_text(encoding="ascii").split()),
    )


def settled(before: State) -> State:
    """The state now, or as soon as it equals before."""
    deadline = time.monotonic() + SETTLE_SECONDS
    while True:
        now = record()
        if now == before or time.monotonic() >= deadline:
            return now
        time.sleep(0.1)


def differences(before: State, now: State) -> list[str]:
    lines = []
    for name, old, new in zip(("struct_ops map", "struct_ops link", "TCP algorithm"), before, now):
        lines += [f"{name} {item} is left over" for item in sorted(new - old)]
        lines += [f"{name} {item} is gone" for item in sorted(old - new)]
    return lines


def _held_ids(key: str) -> set[int]:
    """Ids of the maps ("map_id") or links ("link_id") that some process has open."""
    held = set()
    for info in Path("/proc").glob("[0-9]*/fdinfo/*"):
        try:
            lines = info.read_text(encoding="ascii", errors="replace").splitlines()
        except OSError:
            continue
        held |= {int(line.split(":")[1]) for line in lines if line.startswith(key + ":")}
    return held


def mend(before: State) -> None:
    """Takes off what came after before and what no process holds: what somebody else attached meanwhile stays."""
    held_links = _held_ids("link_id")
    for link in _struct_ops_of("link", "-f"):
        if link["id"] in before.links or link["id"] in held_links:
            continue
        subprocess.run(["bpftool", "link", "detach", "id", str(link["id"])], capture_output=True, check=False)
        for pin in link.get("pinned", []):
            os.unlink(pin)
    held_maps = _held_ids("map_id")
    for bpf_map in _struct_ops_of("map"):
        if bpf_map["id"] in before.maps or bpf_map["id"] in held_maps:
            continue
        command = ["bpftool", "struct_ops", "unregister", "id", str(bpf_map["id"])]
        subprocess.run(command, capture_output=True, check=False)
