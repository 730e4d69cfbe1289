# SPDX-License-Identifier: LGPL-2.1-or-later
"""The builds that are tested, each in its own folder, and how meson is asked to make and test them."""

import os
import re
import shutil
from pathlib import Path
from typing import NamedTuple

import processes
import testlog
from report import Report, Stopwatch, read_log
from testlog import Count

TOP = Path(__file__).resolve().parent.parent.parent


NINJA_PROGRESS = re.compile(r"\[\d+/\d+\] ")


class Build(NamedTuple):
    name: str
    compiler: str
    options: tuple[str, ...]
    slower: int  # than a plain build, for the time that a test may take
    is_sanitized: bool = False


GCC = Build("gcc", "gcc", (), 1)
CLANG = Build("clang", "clang", (), 1)
FUZZ = Build("fuzz", "clang", (), 1)  # the fuzzers bring their flags
SANITIZED = Build("sanitized", "gcc", ("-Db_sanitize=address,undefined",), 5, is_sanitized=True)


def base_folder() -> Path:
    """Where builds go: into the checkout if it is the caller's, else (sudo in a user's checkout) beside his caches."""
    if "STRUCTOPSD_BUILD" in os.environ:
        return Path(os.environ["STRUCTOPSD_BUILD"]).resolve()
    if TOP.stat().st_uid == os.geteuid() and os.access(TOP, os.W_OK):
        return TOP / "build"
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    return cache / "structopsd" / f"build-{str(TOP).strip('/').replace('/', '-')}"


class Builder:
    """One build: configure, compile, test. Each returns False when what follows makes no sense any more."""

    def __init__(self, build: Build, report: Report):
        self.build = build
        self.report = report
        self.folder = base_folder() / build.name
        self.logs = base_folder() / "logs"
        self.logs.mkdir(parents=True, exist_ok=True)
        self.sanitizer_reports = self.logs / "sanitizer"

    def _env(self) -> dict[str, str]:
        env = {"CC": self.build.compiler, "PYTHONDONTWRITEBYTECODE": "1"}
        if self.build.is_sanitized:
            # Into files: also what a daemon or a worker says whose output and status nobody looks at is found.
            common = f"halt_on_error=1:log_path={self.sanitizer_reports}/report"
            env["ASAN_OPTIONS"] = f"{common}:detect_leaks=1:strict_string_checks=1:detect_stack_use_after_return=1"
            env["UBSAN_OPTIONS"] = f"{common}:print_stacktrace=1"
        return env

    def run(self, name: str, command: list[str]) -> tuple[int, Path]:
        log = self.logs / f"{self.build.name}-{name}.log"
        return processes.run(command, log, self._env(), TOP), log

    def _step(self, name: str, command: list[str]) -> bool:
        watch = Stopwatch()
        status, log = self.run(name, command)
        if status == 0:
            self.report.line(name, Count(), watch.seconds)
        else:
            lines = read_log(log).splitlines()
            self.report.fail(name, [line for line in lines if not NINJA_PROGRESS.match(line)], watch.seconds)
        return status == 0

    def configure(self) -> bool:
        options = ["-Dwerror=true", *self.build.options]
        command = ["meson", "setup", *options, str(self.folder), str(TOP)]
        if (self.folder / "meson-private" / "coredata.dat").exists():
            status, _ = self.run("configure", [*command, "--reconfigure"])
            if status == 0:
                return True
        if (self.folder / "meson-private").exists():
            shutil.rmtree(self.folder)  # of another meson, or half made
        return self._step("configure", command)

    def compile(self, *targets: str) -> bool:
        """Of the build folder these, or all of it."""
        return self._step("compile", ["ninja", "-C", str(self.folder), *targets])

    def test(self, suite: str, each: bool = False, options: tuple[str, ...] = ()) -> None:
        """Runs a suite. With each, every test gets its line and its last words; else the suite has one line."""
        shutil.rmtree(self.sanitizer_reports, ignore_errors=True)  # those of an interrupted run
        self.sanitizer_reports.mkdir()
        watch = Stopwatch()
        command = ["meson", "test", "-C", str(self.folder), "--no-rebuild", "--suite", suite, "--logbase", suite]
        command += ["--timeout-multiplier", str(self.build.slower), *options]
        results_file = self.folder / "meson-logs" / f"{suite}.json"
        results_file.unlink(missing_ok=True)
        status, log = self.run(suite, command)
        results = testlog.read(results_file)
        if not results:
            self.report.fail(suite, [f"meson ran no test of the suite {suite}", *read_log(log).splitlines()])
            return
        self._show(suite, results, watch.seconds, each)
        if status != 0 and not any(r.count.failed for r in results):
            self.report.fail(suite, [f"meson test ended with status {status}", *read_log(log).splitlines()])
        self._show_sanitizer_reports(suite)
        self._show_left_over(suite)

    def _show(self, suite: str, results: list[testlog.Result], seconds: float, each: bool) -> None:
        count = sum((r.count for r in results), Count())
        if not each:
            self.report.line(suite, count, seconds, f"{count} ({len(results)} programs)")
        for r in results:
            if each or r.count.failed or r.count.skipped:
                last_words = r.output.strip().rpartition("\n")[2]
                self.report.line(f"  {r.name}", r.count, r.seconds, last_words if r.count.passed and each else "")
            if r.count.failed:
                self.report.log(r.output or f"no output ({r.status})")
            elif r.count.skipped:
                self.report.log("\n".join(testlog.skip_reasons(r.output)))
        self.report.add(count)

    def _show_sanitizer_reports(self, suite: str) -> None:
        for file in sorted(self.sanitizer_reports.iterdir()):
            self.report.fail(f"sanitizer in {suite}", read_log(file).splitlines())
            file.unlink()

    def _show_left_over(self, suite: str) -> None:
        left = processes.left_over()
        if left:
            self.report.fail(f"left running by {suite}", left)
            processes.end_all()
