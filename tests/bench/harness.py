# SPDX-License-Identifier: LGPL-2.1-or-later
"""What the benchmarks share: a daemon of their own in a scratch folder, figures, and cleaning up whatever happens.

A benchmark fails when it could not measure, never because of what it measured: it prints figures, a ratio, and
whether the aim was met.
"""

import argparse
import json
import os
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path

ALGORITHMS = Path("/proc/sys/net/ipv4/tcp_available_congestion_control")
OBJECT = "bench.bpf.o"
NAME_SIZE = 16  # of tcp_congestion_ops.name
START_SECONDS = 60

POLICY = """\
[Object]
Path={object}

[Fields]
name = {name}

[Attach]
RestartSec=0
StartLimitBurst=0
"""


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    for name in ("daemon", "client", "object", "tools"):
        parser.add_argument(f"--{name}", type=Path, required=True)
    return parser.parse_args()


def names(n: int) -> list[str]:
    return [f"bench{i:03}" for i in range(n)]


def algorithms() -> set[str]:
    return set(ALGORITHMS.read_text(encoding="ascii").split())


def wait_until(is_so, what: str, seconds: float = START_SECONDS, pause: float = 0.005) -> None:
    deadline = time.monotonic() + seconds
    while not is_so():
        if time.monotonic() > deadline:
            sys.exit(f"not within {seconds} s: {what}")
        time.sleep(pause)


def family(pid: int) -> list[int]:
    """The process and its descendants."""
    parents = {}
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            text = stat.read_text(encoding="utf-8", errors="replace")
        except OSError:
            continue
        parents[int(stat.parent.name)] = int(text.rpartition(")")[2].split()[1])
    found = [pid]
    for p in found:  # grows while we walk
        found += [child for child, parent in parents.items() if parent == p]
    return found


def status_numbers(pid: int, *keys: str) -> list[int]:
    text = Path(f"/proc/{pid}/status").read_text(encoding="utf-8")
    lines = dict(line.split(":", 1) for line in text.splitlines())
    return [int(lines[k].split()[0]) for k in keys]


def end(process: subprocess.Popen, seconds: float = 30) -> None:
    process.terminate()
    try:
        process.wait(seconds)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


class Daemon:
    """A daemon that attaches n policies of one object, each with a name of its own. A context manager.

    settings: lines of [Daemon].
    """

    def __init__(self, args: argparse.Namespace, n: int, settings: Sequence[str] = ()):
        self.args = args
        self.names = names(n)
        self.settings = settings
        self.stack = ExitStack()
        self.start_seconds = 0.0

    def __enter__(self):
        with self.stack:
            self.folder = self.stack.enter_context(scratch_folder())
            self.stack.callback(shutil.rmtree, self.pins, ignore_errors=True)
            shutil.copy(self.args.object, self.folder / OBJECT)
            (self.folder / "policies").mkdir()
            for name in self.names:
                text = POLICY.format(object=self.folder / OBJECT, name=name)
                (self.folder / "policies" / f"{name}.policy").write_text(text, encoding="utf-8")
            text = "\n".join(["[Daemon]", *self.settings, ""])
            (self.folder / "structopsd.conf").write_text(text, encoding="utf-8")
            self.start()
            self.stack = self.stack.pop_all()
        return self

    def __exit__(self, *_):
        self.stack.close()

    def environment(self) -> dict[str, str]:
        """What the daemon's has besides ours."""
        return {}

    def start(self) -> None:
        command = [self.args.daemon, "--config", self.folder / "structopsd.conf"]
        command += ["--policy-path", self.folder / "policies", "--object-path", self.folder]
        command += ["--runtime-dir", self.folder / "run", "--log-level", "warning", "--log-target", "stderr"]
        environment = {**os.environ, **self.environment()}
        start = time.monotonic()
        self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL, env=environment)
        self.stack.callback(end, self.process, 30 + len(self.names) / 10)
        self.wait_until_up()
        self.start_seconds = time.monotonic() - start
        wait_until(lambda: self.client("list").returncode == 0, "the daemon answers")

    def wait_until_up(self) -> None:
        wait_until(lambda: self._is_up(set(self.names)), f"{len(self.names)} policies attached")

    def _is_up(self, wanted: set[str]) -> bool:
        if self.process.poll() is not None:
            sys.exit(f"the daemon ended with status {self.process.returncode}")
        return wanted <= algorithms()

    @property
    def pins(self) -> Path:
        """Of a daemon that had to be killed."""
        escaped = str(self.folder / "run").replace("/", "%2F").replace(".", "%2E")
        return Path("/sys/fs/bpf/structopsd" + escaped)

    @property
    def socket(self) -> Path:
        return self.folder / "run" / "bus"

    def client_command(self, *words: str) -> list[str]:
        return [str(self.args.client), "--socket", str(self.socket), *words]

    def client(self, *words: str) -> subprocess.CompletedProcess:
        return subprocess.run(self.client_command(*words), capture_output=True, text=True, check=False)

    def policies(self) -> list[dict]:
        return json.loads(self.client("--json", "list").stdout)["policies"]

    def rest(self, seconds: float = 2.0) -> None:
        """Waits until the workers have gone and nothing is left to be done."""
        wait_until(lambda: all(p["state"] == "attached" for p in self.policies()), "every policy attached")
        time.sleep(seconds)


@contextmanager
def scratch_folder():
    """In memory, as /run is where it counts."""
    folder = Path(tempfile.mkdtemp(prefix="structopsd-bench.", dir="/dev/shm"))
    try:
        yield folder
    finally:
        shutil.rmtree(folder)


@contextmanager
def bpf_folder():
    """A bpffs of our own: what is pinned there is let go with it."""
    with scratch_folder() as folder:
        subprocess.run(["mount", "-t", "bpf", "bpf", folder], check=True)
        try:
            yield folder
        finally:
            subprocess.run(["umount", folder], check=True)


@contextmanager
def bpftool_objects(args: argparse.Namespace, n: int):
    """n objects that differ in their algorithm's name: bpftool can override nothing."""
    original = args.object.read_bytes()
    field = b"bench".ljust(NAME_SIZE, b"\0")
    if original.count(field) != 1:
        sys.exit(f"{args.object}: the name is not where it was")
    with scratch_folder() as folder:
        paths = [folder / f"{name}.bpf.o" for name in names(n)]
        for path, name in zip(paths, names(n)):
            path.write_bytes(original.replace(field, name.encode().ljust(NAME_SIZE, b"\0")))
        yield paths


def percentile(values: list[float], p: int) -> float:
    return statistics.quantiles(values, n=100, method="inclusive")[p - 1]


def verdict(met: bool, aim: str) -> str:
    return f"aim: {aim}: {'met' if met else 'NOT MET'}"


def run(benchmark) -> None:
    """Runs benchmark(arguments); an interruption cleans up like an end."""

    def leave(number, _frame):
        sys.exit(128 + number)

    args = arguments()
    for number in (signal.SIGTERM, signal.SIGHUP, signal.SIGINT):
        signal.signal(number, leave)
    if os.geteuid() != 0:
        print("needs root: it loads BPF objects")
        sys.exit(77)
    taken = algorithms() & set(names(1000))
    if taken:
        sys.exit(f"left over by an earlier run, or another one runs: {' '.join(sorted(taken))}")
    benchmark(args)
