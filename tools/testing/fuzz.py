# SPDX-License-Identifier: LGPL-2.1-or-later
"""The fuzzers of tests/fuzz, each for some minutes, from the corpus of the tree, which is only read."""

import os
import re
import shlex
import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import NamedTuple

import processes
from builds import FUZZ, TOP, Builder
from processes import Command, Ended
from report import Report, read_log
from testlog import PASS

SECONDS = 120
INPUT_SECONDS = 25  # for one input, on a busy machine
MEMORY_MB = 1024

FLAGS = "-fsanitize=fuzzer,address,undefined"
EMPTY_FUZZER = "int LLVMFuzzerTestOneInput(const unsigned char *b, unsigned long n) { return b && n; }\n"
SANITIZER_OPTIONS = {
    "ASAN_OPTIONS": "print_legend=0:detect_leaks=1:strict_string_checks=1:detect_stack_use_after_return=1",
    "UBSAN_OPTIONS": "print_stacktrace=1",
}

# What libFuzzer tells of its own: progress, its frames below those of a fuzzer, the input in three ways.
NOISE = re.compile(r"#\d+\s|\s+NEW_FUNC|stat::|INFO: |\s+#\d+ \w+ in fuzzer::|0x[0-9a-f]+,|Base64: |MS: ")
WRITTEN = re.compile(r"Test unit written to (\S+)")


class Target(NamedTuple):
    name: str
    program: Path
    corpus: Path


def targets_below(build_folder: Path) -> list[Target]:
    corpora = sorted((TOP / "tests/fuzz").glob("corpus-*"))
    names = [corpus.name.replace("corpus-", "fuzz-") for corpus in corpora]
    return [Target(name, build_folder / "tests/fuzz" / name, corpus) for name, corpus in zip(names, corpora)]


def why_clang_cannot() -> str | None:
    """What a compiler without libFuzzer or sanitizers says about them; None: it has them."""
    with tempfile.TemporaryDirectory(prefix="structopsd-fuzz.") as folder:
        command = [FUZZ.compiler, FLAGS, "-x", "c", "-", "-o", f"{folder}/fuzzer"]
        try:
            done = subprocess.run(command, input=EMPTY_FUZZER, capture_output=True, text=True, check=False)
        except OSError as error:
            return str(error)
    return None if done.returncode == 0 else (done.stderr.strip().splitlines() or ["it does not say why"])[0]


def statistics(output: str) -> str:
    """libFuzzer's -print_final_stats in a line; empty: there are none, or it has tried nothing."""
    numbers = {name: int(n) for name, n in re.findall(r"^stat::(\w+):\s+(\d+)$", output, re.MULTILINE)}
    runs = numbers.get("number_of_executed_units", 0)
    if not runs:
        return ""
    return f"{runs:,} runs, {numbers['average_exec_per_sec']:,}/s, {numbers['new_units_added']:,} new inputs"


def complaint(output: str, program: Path) -> list[str]:
    """What was wrong, and how to see it again."""
    lines = [line for line in output.splitlines() if line and not NOISE.match(line)]
    for file in WRITTEN.findall(output):
        options = [f"{name}={value}" for name, value in SANITIZER_OPTIONS.items()]
        lines += ["", f"again: {shlex.join(['env', *options, str(program), file])}"]
    return lines


class Fuzzing:
    """One run of all targets. Below folder: new/NAME, what each has found; failed/, which no later run removes."""

    def __init__(self, report: Report, folder: Path, seconds: int):
        self.report = report
        self.seconds = seconds
        self.new = folder / "new"
        self.failed = folder / "failed"
        self.logs = folder / "logs"
        shutil.rmtree(self.new, ignore_errors=True)
        for made in (self.new, self.failed, self.logs):
            made.mkdir(parents=True, exist_ok=True)

    def _command(self, target: Target, corpora: Path) -> Command:
        corpus, new = corpora / target.name, self.new / target.name
        shutil.copytree(target.corpus, corpus)
        new.mkdir()
        words = [
            str(target.program),
            f"-max_total_time={self.seconds}",
            f"-timeout={INPUT_SECONDS}",
            f"-rss_limit_mb={MEMORY_MB}",
            "-print_final_stats=1",
            f"-artifact_prefix={self.failed}/{target.name}-",
            str(new),
            str(corpus),
        ]
        return Command(words, self.logs / f"{target.name}.log", SANITIZER_OPTIONS)

    def _show(self, target: Target, ended: Ended) -> None:
        output = read_log(ended.command.log)
        tried = statistics(output)
        if ended.status == 0 and tried:
            self.report.line(target.name, PASS, ended.seconds, tried)
            self.report.add(PASS)
            return
        why = complaint(output, target.program) or [f"it ended with status {ended.status} and said nothing"]
        self.report.fail(target.name, why, ended.seconds)

    def run(self, targets: list[Target]) -> None:
        with tempfile.TemporaryDirectory(prefix="structopsd-fuzz.") as corpora:
            commands = [self._command(target, Path(corpora)) for target in targets]
            of_program = {str(target.program): target for target in targets}
            for ended in processes.run_all(commands, os.cpu_count() or 1):
                self._show(of_program[ended.command.words[0]], ended)


def fuzz(report: Report, seconds: int) -> None:
    builder = Builder(FUZZ, report)
    targets = targets_below(builder.folder)
    report.heading(f"clang, libFuzzer with AddressSanitizer and UndefinedBehaviorSanitizer, {seconds} s each")
    why = why_clang_cannot()
    if why:
        for target in targets:
            report.skip(target.name, f"no libFuzzer, or no sanitizers, for clang (tools/setup): {why}")
        return
    if builder.configure() and builder.compile(*(f"tests/fuzz/{target.name}" for target in targets)):
        Fuzzing(report, builder.folder / "found", seconds).run(targets)
