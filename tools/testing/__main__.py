# SPDX-License-Identifier: LGPL-2.1-or-later
"""tools/test: builds and tests everything, and ends with one line: N passed, N failed[, N skipped]."""

import argparse
import os
import signal
import sys

import fuzz
import kernel_state
import processes
from builds import CLANG, GCC, SANITIZED, TOP, Build, Builder, base_folder
from install import try_installation
from report import Report, Stopwatch, read_log
from testlog import FAIL, PASS, SKIP, SKIP_STATUS, count_program

TIERS = ("static", "unit", "native", "fuzz", "vm")
SLOW_TIERS = {"fuzz", "vm"}


def positive(text: str) -> int:
    number = int(text)
    if number <= 0:
        raise ValueError(text)
    return number


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="tools/test",
        description="Builds and tests everything: with gcc, with clang, and with sanitizers.",
        epilog="Tiers: static (layout, floors, linters), unit (no root), native (root, the running kernel), "
        "fuzz (libFuzzer, minutes), vm (QEMU). With CI=true in the environment a skipped test counts as failed.",
    )
    parser.add_argument("--only", choices=TIERS, action="append", help="only this tier (repeatable)")
    parser.add_argument("--no-vm", action="store_true", help="all tiers but vm")
    parser.add_argument("--quick", action="store_true", help="one build (gcc), no linters, neither fuzz nor vm")
    parser.add_argument(
        "--fuzz-seconds",
        type=positive,
        default=fuzz.SECONDS,
        metavar="N",
        help=f"how long each fuzzer runs (default {fuzz.SECONDS})",
    )
    return parser.parse_args()


def selected_tiers(args: argparse.Namespace) -> set[str]:
    tiers = set(args.only or TIERS)
    if args.quick and not args.only:
        tiers -= SLOW_TIERS
    if args.no_vm:
        tiers.discard("vm")
    return tiers


class Run:
    def __init__(self, args: argparse.Namespace, report: Report):
        self.tiers = selected_tiers(args)
        self.quick = args.quick
        self.fuzz_seconds = args.fuzz_seconds
        self.report = report
        self.kernel_before: kernel_state.State | None = None

    def native(self, builder: Builder) -> None:
        """The tests that touch the running kernel, which must be afterwards as it was before."""
        if os.geteuid() != 0:
            self.report.skip("native", "these tests load BPF objects and need root: sudo tools/test")
            return
        self.kernel_before = kernel_state.record()
        builder.test("native", options=("--num-processes", "1"))
        differences = kernel_state.differences(self.kernel_before, kernel_state.settled(self.kernel_before))
        if differences:
            self.report.fail("kernel as before", differences)
            kernel_state.mend(self.kernel_before)
        self.kernel_before = None

    def build(self, build: Build, title: str, tiers: set[str]) -> None:
        tiers = tiers & self.tiers
        if not tiers:
            return
        self.report.heading(title)
        builder = Builder(build, self.report)
        if not builder.configure():
            return
        is_compiled = builder.compile()
        if "static" in tiers:
            builder.test("static", each=True, options=("--no-suite", "lint") if self.quick else ())
        if not is_compiled:
            return
        if "unit" in tiers:
            builder.test("unit")
        if "native" in tiers:
            self.native(builder)
        if build is GCC and "unit" in tiers:
            try_installation(builder)

    def vm(self) -> None:
        log = base_folder() / "vm.log"
        log.parent.mkdir(parents=True, exist_ok=True)
        self.report.heading(f"virtual machines (many minutes; {log} grows meanwhile)")
        watch = Stopwatch()
        status = processes.run([str(TOP / "tools/setup"), "--vm"], log)
        if status == 0:
            status = processes.run([str(TOP / "tests/vm/all")], log)
        output = read_log(log)
        verdict = {0: PASS, SKIP_STATUS: SKIP}.get(status, FAIL)
        count = count_program(output, verdict)
        self.report.line("vm", count, watch.seconds, str(count))
        if count.failed or count.skipped:
            self.report.log(output)
        self.report.add(count)

    def all(self) -> None:
        self.build(GCC, "gcc, -Werror", {"static", "unit", "native"})
        if not self.quick:
            self.build(CLANG, "clang, -Werror", {"unit"})
            self.build(SANITIZED, "gcc, AddressSanitizer and UndefinedBehaviorSanitizer", {"unit", "native"})
        if "fuzz" in self.tiers:
            fuzz.fuzz(self.report, self.fuzz_seconds)
        if "vm" in self.tiers:
            self.vm()

    def give_up(self) -> None:
        """After a signal: ends what we started and takes off what it left in the kernel."""
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, signal.SIG_IGN)
        processes.end_all()
        if self.kernel_before:
            kernel_state.settled(self.kernel_before)
            kernel_state.mend(self.kernel_before)


def main() -> int:
    args = parse_arguments()
    processes.set_up()
    report = Report()
    run = Run(args, report)
    watch = Stopwatch()
    try:
        run.all()
    except processes.Interrupted as signal_name:
        run.give_up()
        report.heading(f"interrupted by {signal_name}; everything that was started has been ended")
        report.add(FAIL)
        report.close()
        return 128 + signal_name.number
    except BaseException:
        run.give_up()
        raise
    report.heading(f"{watch.seconds:.0f} s")
    return report.close()


if __name__ == "__main__":
    sys.exit(main())
