#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Runs the tests of tests/vm/t in guests; tests/vm/run, all and shell are thin callers.

A test names in its first comment lines what it needs:
    # kernels: backports trixie     one run on each (default: backports)
    # start: saved | boot           from the saved state (default), or a real boot
    # needs: project                skipped while the checkout cannot be built
    # timeout: 60                   seconds (default 60 saved, 180 boot)
t/NAME.root/, if it exists, is laid over the guest's root first.
"""

import argparse
import itertools
import os
import re
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from concurrent.futures import ThreadPoolExecutor, as_completed
from pathlib import Path

from vm import Guest, GuestError, raise_on_signals

VM = Path(__file__).resolve().parent.parent
KERNELS = ["backports", "trixie", "bookworm"]
DEFAULT_TIMEOUT = {"saved": 60, "boot": 180}
SKIP = 77
BOOT_SECONDS = 180


class Test:
    """A script of t/ and what its header says."""

    def __init__(self, name):
        self.name = name
        self.path = VM / "t" / name
        if not self.path.is_file():
            sys.exit(f"vm: there is no test named {name} in {VM / 't'}")
        head = self.path.read_text().split("\n\n", 1)[0]
        self.header = dict(re.findall(r"^# (kernels|start|needs|timeout): *(.*?) *$", head, re.M))
        self.kernels = self.header.get("kernels", "backports").split()
        self.start = self.header.get("start", "saved")
        if unknown := set(self.kernels) - set(KERNELS):
            sys.exit(f"vm: {name}: no kernel named {' '.join(unknown)}")
        if self.start not in DEFAULT_TIMEOUT:
            sys.exit(f"vm: {name}: start is saved or boot, not {self.start}")
        self.timeout = int(self.header.get("timeout", DEFAULT_TIMEOUT[self.start]))
        self.needs_project = "project" in self.header.get("needs", "").split()


def all_names():
    return sorted(p.name for p in (VM / "t").iterdir() if p.is_file())


def build_parts(args, kernels, with_state):
    """Runs tests/vm/build; returns {part: path}. Ends the program with its status when it fails."""
    options = ([] if with_state else ["--no-state"]) + (["--no-project"] if args.no_project else [])
    command = [str(VM / "build")] + options + kernels
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    try:
        out, _ = process.communicate()
    except BaseException:
        process.terminate()
        process.wait()
        raise
    if process.returncode:
        sys.exit(process.returncode)
    return {part: Path(path) for part, path in (line.split(" ", 1) for line in out.splitlines())}


def replace(source, target):
    """Copies a file to a new inode: the old one may have other names."""
    Path(target).unlink(missing_ok=True)
    return shutil.copy2(source, target, follow_symlinks=False)


def lay_over(source, target):
    """Copies a tree over another one."""
    shutil.copytree(source, target, symlinks=True, dirs_exist_ok=True, copy_function=replace)


class Bench:
    """The parts, and the payloads made out of them. A context manager: removes its files."""

    def __init__(self, parts):
        self.parts = parts
        self.dir = Path(tempfile.mkdtemp(prefix="structopsd-vm-payload."))
        self.bases = {}
        self.lock = threading.Lock()
        self.numbers = itertools.count(1)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        shutil.rmtree(self.dir, ignore_errors=True)

    def base(self, kernel):
        """What every test on KERNEL gets: project, module, programs, scripts."""
        if kernel not in self.bases:
            base = self.dir / kernel
            (base / "vm").mkdir(parents=True)
            if "project" in self.parts:
                lay_over(self.parts["project"] / "root", base)
            lay_over(self.parts["programs"], base / "vm")
            if f"module-{kernel}" in self.parts:
                lay_over(self.parts[f"module-{kernel}"], base / "vm" / "module")
            for words in (VM / "guest").glob("*.sh"):
                shutil.copy(words, base / "vm")
            (base / "vm" / "t").mkdir()
            for name in all_names():
                shutil.copy(VM / "t" / name, base / "vm" / "t")
            self.bases[kernel] = base
        return self.bases[kernel]

    def payload(self, kernel, test=None):
        """The payload of one run, made of hard links to the base; the caller removes it."""
        with self.lock:
            base = self.base(kernel)
            payload = self.dir / f"payload-{next(self.numbers)}"
        shutil.copytree(base, payload, symlinks=True, copy_function=os.link)
        overlay = VM / "t" / f"{test.name}.root" if test else None
        if overlay and overlay.is_dir():
            lay_over(overlay, payload)
        # Whoever has the checkout, and with whatever umask: in the guest only root may write to it.
        subprocess.run(["chown", "-R", "0:0", payload], check=True)
        subprocess.run(["chmod", "-R", "a+rX,go-w", payload], check=True)
        return payload

    def cpio(self, payload):
        path = payload.with_suffix(".cpio")
        subprocess.run("find . -print0 | LC_ALL=C sort -z | cpio -0 -o -H newc --quiet -R 0:0 >" f"'{path}'",
                       shell=True, cwd=payload, check=True)
        return path

    def guest(self, kernel, start, payload, **options):
        folder = self.parts[f"kernel-{kernel}"]
        if start == "saved":
            return Guest([], folder / "vmlinuz", payload, self.parts[f"state-{kernel}"] / "state", **options)
        initrds = [self.parts["root"] / "base.cpio", folder / "modules.cpio", self.cpio(payload)]
        return Guest(initrds, folder / "vmlinuz", **options)


def run_in_guest(bench, test, kernel, start):
    """(status, output); status None is a guest that did not come to its end."""
    payload = bench.payload(kernel, test)
    try:
        with bench.guest(kernel, start, payload) as guest:
            return run_order(guest, test, start)
    except GuestError as error:
        return None, f"the guest did not start: {error}"
    finally:
        shutil.rmtree(payload, ignore_errors=True)
        payload.with_suffix(".cpio").unlink(missing_ok=True)


def run_order(guest, test, start):
    try:
        if start == "boot":
            guest.wait_ready(BOOT_SECONDS)
        guest.order(start, test.name)
        status, _, output = guest.result(test.timeout)
        return status, output
    except GuestError as error:
        said = guest.output.decode(errors="replace").replace("\r", "")
        return None, f"{said}\n--- {error}; the guest's console:\n{guest.console_tail()}"


def last_line(output, prefix):
    """The sentence after PREFIX in the output's last such line."""
    found = re.findall(rf"^{prefix}: *(.*)$", output, re.M)
    return found[-1] if found else ""


def run_one(bench, test, kernel, args):
    """Runs one test on one kernel; returns pass, fail or skip, and what is to be printed."""
    start = "boot" if args.boot else test.start
    began = time.monotonic()
    if test.needs_project and "project" not in bench.parts:
        status, output = SKIP, "skip: structopsd was not built"
    else:
        status, output = run_in_guest(bench, test, kernel, start)
    verdict = {0: "pass", SKIP: "skip"}.get(status, "fail")
    if verdict == "skip" and args.strict:
        verdict = "fail"
    note = f"  ({last_line(output, 'skip')})" if status == SKIP else ""
    text = f"{verdict}  {test.name} [{kernel}]  {time.monotonic() - began:.1f} s{note}\n"
    if verdict == "fail" or args.verbose:
        text += "".join(f"    {line}\n" for line in output.splitlines())
    return verdict, text


def run_all(bench, plan, args):
    """Runs the plan, some at a time; returns how many passed, failed, were skipped."""
    count = {"pass": 0, "fail": 0, "skip": 0}
    with ThreadPoolExecutor(args.jobs) as pool:
        futures = [pool.submit(run_one, bench, test, kernel, args) for test, kernel in plan]
        try:
            for future in as_completed(futures):
                verdict, text = future.result()
                count[verdict] += 1
                print(text, end="", flush=True)
        except BaseException:
            # the threads come to their ends, and clean up, when their guests are gone
            for future in futures:
                future.cancel()
            Guest.end_all()
            raise
    return count


def run(args):
    names = all_names() if args.all else [Path(n).name for n in args.names]
    plan = [(t, k) for t in map(Test, names) for k in t.kernels if not args.kernel or k in args.kernel]
    if not plan:
        sys.exit("vm: no test to run on that kernel")
    kernels = [k for k in KERNELS if any(k == kernel for _, kernel in plan)]
    with_state = not args.boot and any(t.start == "saved" for t, _ in plan)
    with Bench(build_parts(args, kernels, with_state)) as bench:
        count = run_all(bench, plan, args)
    skipped = f", {count['skip']} skipped" if count["skip"] else ""
    print(f"{count['pass']} passed, {count['fail']} failed{skipped}")
    return 1 if count["fail"] else 0


def shell(args):
    kernel = (args.names or ["backports"])[0]
    if kernel not in KERNELS:
        sys.exit(f"vm: no kernel named {kernel} (there are: {' '.join(KERNELS)})")
    start = "boot" if args.boot else "saved"
    with Bench(build_parts(args, [kernel], start == "saved")) as bench:
        with bench.guest(kernel, start, bench.payload(kernel), console_here=True) as guest:
            if start == "boot":
                guest.wait_ready(BOOT_SECONDS)
            print(f"vm: kernel of {kernel}; tests are in /vm/t; the end of the shell ends the guest", file=sys.stderr)
            guest.order("shell" if start == "saved" else "shell-boot")
            guest.process.wait()
    return 0


def main():
    parser = argparse.ArgumentParser(prog="tests/vm/run", description="Runs VM tests.")
    parser.add_argument("--all", action="store_true", help="every test there is")
    parser.add_argument("--shell", action="store_true", help="a console instead of tests")
    parser.add_argument("-k", "--kernel", action="append", choices=KERNELS, help="only on this kernel (repeatable)")
    parser.add_argument("-b", "--boot", action="store_true", help="a real boot, whatever the test says")
    parser.add_argument("-j", "--jobs", type=int, metavar="N",
                        help="guests at a time, 1 GB of memory and a CPU each (default: 1; with --all 2 where there are 2 CPUs)")
    parser.add_argument("-v", "--verbose", action="store_true", help="show the output of tests that pass, too")
    parser.add_argument("--no-project", action="store_true", help="only tests that do without structopsd itself")
    parser.add_argument("--strict", action="store_true", help="a skipped test counts as failed")
    parser.add_argument("names", nargs="*", metavar="NAME", help="tests, by the names of the files in tests/vm/t")
    args = parser.parse_args()
    if not (args.all or args.shell or args.names):
        parser.error("no test named; there are: " + " ".join(all_names()))
    if not args.jobs:
        args.jobs = min(2, os.cpu_count() or 1) if args.all else 1
    raise_on_signals()
    try:
        return shell(args) if args.shell else run(args)
    except GuestError as error:
        print(f"vm: {error}", file=sys.stderr)
        return 1


if __name__ == "__main__":
    sys.exit(main())
