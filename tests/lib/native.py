# SPDX-License-Identifier: LGPL-2.1-or-later
"""The base of the tests against the running kernel: a scratch folder, daemons, and a clean kernel afterwards.

Each file of tests/native ends with native.main(). A test that failed shows its daemons' logs.
"""

import json
import os
import resource
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import unittest
from pathlib import Path

import kernel
import processes
from daemon import CLIENT, DAEMON, PREFIX, Daemon, Monitor, Result, algorithm, find_object
from opengate import OpenGate
from waiting import TooLate, until

__all__ = [
    *("CLIENT", "DAEMON", "PREFIX", "Daemon", "Monitor", "NativeTest", "OpenGate", "Result", "TooLate"),
    *("algorithm", "background", "find_object", "json", "kernel", "main", "monotonic_usec", "processes", "time"),
    *("BPFFS", "until"),
]

SKIPPED = 77
LOG_LINES = 60
BPFFS = Path("/sys/fs/bpf")
IS_SANITIZED = b"__asan_init" in DAEMON.read_bytes() if DAEMON.exists() else False


def monotonic_usec() -> int:
    """The clock of the events."""
    return time.clock_gettime_ns(time.CLOCK_MONOTONIC) // 1000


def background(command: list[str]) -> subprocess.Popen:
    """Starts something whose output is of no interest; the test waits for its end."""
    return subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


class NativeTest(unittest.TestCase):
    maxDiff = None

    def setUp(self):
        # In /tmp, which is sticky: the daemon accepts objects below it.
        self.scratch = Path(tempfile.mkdtemp(prefix="structopsd-native.", dir="/tmp"))
        self.scratch.chmod(0o755)
        self.addCleanup(shutil.rmtree, self.scratch)
        self.daemons: list[Daemon] = []
        self.addCleanup(self.check_clean)
        self.addCleanup(self.remove_pins)

    def run(self, result=None):
        try:
            return super().run(result)
        except KeyboardInterrupt:
            self.doCleanups()  # unittest itself would leave everything as it is
            raise

    def daemon(self) -> Daemon:
        """One that is stopped at the end of the test, whatever happens."""
        folder = self.scratch / f"d{len(self.daemons)}"
        folder.mkdir()
        d = Daemon(folder)
        self.daemons.append(d)
        self.addCleanup(self.end_daemon, d)
        return d

    def end_daemon(self, d: Daemon) -> None:
        if d.process is None:
            return
        had_ended = d.process.poll() is not None
        status = d.stop()
        if not had_ended:
            self.assertEqual(status, 0, f"the daemon's exit status after SIGTERM; its log:\n{d.log()}")

    def remove_pins(self) -> None:
        """Of a daemon that had to be killed: what failed leaves no attachment behind."""
        for folder in BPFFS.glob(f"structopsd*{self.scratch.name.replace('.', '%2E')}*"):
            shutil.rmtree(folder, ignore_errors=True)

    def check_clean(self) -> None:
        """The kernel has nothing that this process made, and no child is left."""
        try:
            until(lambda: not kernel.left_by(PREFIX), lambda: f"these are gone: {kernel.left_by(PREFIX)}", seconds=20)
        finally:
            self.check_no_child()

    def check_no_child(self) -> None:
        def look():
            processes.reap()
            return not processes.children(os.getpid())

        try:
            until(look, lambda: f"no child is left: {processes.children(os.getpid())}", seconds=10)
        except TooLate:
            for pid in processes.children(os.getpid()):
                os.kill(pid, signal.SIGKILL)
            raise

    # What is asserted often.

    def assert_state(self, row: dict, state: str, reason: str, *parts: str) -> None:
        """A policy's state and reason, and what its sentence must have."""
        said = f"{row['name']}: {row['state']} ({row['reason']}): {row['detail']}"
        self.assertEqual((row["state"], row["reason"]), (state, reason), said)
        self.assert_says(row["detail"], *parts)

    def assert_says(self, text: str, *parts: str) -> None:
        for part in parts:
            self.assertIn(part, text)

    def assert_attached(self, d: Daemon, name: str) -> dict:
        """The daemon says so, and the kernel too: the link is alive and has that map, the algorithm can be used."""
        row = d.status(name)
        self.assertEqual(row["state"], "attached", f"{name}: {row['detail']}")
        self.assertEqual(kernel.links().get(row["link_id"]), row["map_id"])
        in_kernel = kernel.struct_ops()[row["map_id"]]
        self.assertIn(in_kernel["name"], kernel.algorithms())
        return row

    def assert_not_attached(self, name: str) -> None:
        self.assertNotIn(algorithm(name), kernel.algorithms())


def unless_sanitized(reason: str):
    """Leaves a test (or a class of tests) out of the sanitized build, where it means nothing: no skip, for CI."""
    del reason  # it is for the reader
    return lambda test: None if IS_SANITIZED else test


class _LogShowingResult(unittest.TextTestResult):
    """Adds the daemons' logs to a failure: it is told before the test's folder goes."""

    def _show(self, test) -> None:
        for d in getattr(test, "daemons", []):
            lines = d.log().splitlines()[-LOG_LINES:]
            self.stream.write("".join(f"   | {line}\n" for line in [f"{d.log_file}, its last lines:", *lines]))

    def addFailure(self, test, err):
        super().addFailure(test, err)
        self._show(test)

    def addError(self, test, err):
        super().addError(test, err)
        self._show(test)

    def addSubTest(self, test, subtest, err):
        super().addSubTest(test, subtest, err)
        if err is not None:
            self._show(test)


def main() -> None:
    why_not = kernel.why_not()
    if why_not:
        print(why_not)
        sys.exit(SKIPPED)
    processes.adopt_orphans()
    resource.setrlimit(resource.RLIMIT_CORE, (0, resource.getrlimit(resource.RLIMIT_CORE)[1]))
    # Then cleaning up happens also when the runner's patience ends.
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.default_int_handler)
    runner = unittest.TextTestRunner(stream=sys.stdout, verbosity=2, resultclass=_LogShowingResult)
    result = unittest.main(module="__main__", testRunner=runner, exit=False).result
    n_bad = len({getattr(test, "test_case", test).id() for test, _ in result.failures + result.errors})
    n_skipped = len(result.skipped)
    skipped = f", {n_skipped} skipped" if n_skipped else ""
    print(f"{result.testsRun - n_bad - n_skipped} passed, {n_bad} failed{skipped}")
    sys.exit(0 if result.wasSuccessful() else 1)
