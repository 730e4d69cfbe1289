# SPDX-License-Identifier: LGPL-2.1-or-later
"""What of struct_ops is in the kernel, told by bpftool and /proc: another witness than the daemon."""

import json
import os
import subprocess
from pathlib import Path

from waiting import until

ALGORITHMS = Path("/proc/sys/net/ipv4/tcp_available_congestion_control")
BTF = Path("/sys/kernel/btf/vmlinux")


def why_not() -> str | None:
    """Why nothing can be attached here; None: it can."""
    if os.geteuid() != 0:
        return "needs root: it loads BPF objects into the running kernel"
    if not BTF.exists():
        return f"this kernel ({os.uname().release}) has no BTF: {BTF} is missing"
    if not ALGORITHMS.exists():
        return f"{ALGORITHMS} is missing: not the host's network namespace"
    return None


def algorithms() -> set[str]:
    return set(ALGORITHMS.read_text(encoding="ascii").split())


def bpftool(*words: str) -> list:
    """bpftool gives up at whatever is just coming or going, which may be somebody else's: then it walks again."""

    def walk():
        done = subprocess.run(["bpftool", "-j", *words], capture_output=True, text=True, check=False)
        said.append(done.stdout + done.stderr)
        return [json.loads(done.stdout or "[]")] if done.returncode == 0 else None

    said: list[str] = []
    return until(walk, lambda: f"bpftool {' '.join(words)} succeeds: {said[-1]}")[0]


def detach(link_id: int) -> None:
    """What "another process" does to a link."""
    subprocess.run(["bpftool", "link", "detach", "id", str(link_id)], capture_output=True, text=True, check=True)


def links() -> dict[int, int]:
    """The struct_ops links, each with its map; 0: detached."""
    return {link["id"]: link.get("map_id", 0) for link in bpftool("link", "show") if link["type"] == "struct_ops"}


def struct_ops() -> dict[int, dict]:
    """The struct_ops maps that are filled, each with the kernel's struct as it is inside."""
    dump = bpftool("struct_ops", "dump")
    found = {}
    for info, value in zip(dump[0::2], dump[1::2]):
        found[info["bpf_map_info"]["id"]] = next(iter(value.values()))["data"]
    return found


def left_by(prefix: str) -> list[str]:
    """What there is of TCP algorithms whose names start so: only these are ours, others may test at the same time."""
    maps = {i: data for i, data in struct_ops().items() if str(data.get("name", "")).startswith(prefix)}
    found = [f"algorithm {name}" for name in sorted(algorithms()) if name.startswith(prefix)]
    found += [f"map {i} ({data['name']})" for i, data in maps.items()]
    found += [f"link {i} of map {map_id}" for i, map_id in links().items() if map_id in maps]
    return found
