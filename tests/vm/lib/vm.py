#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""One QEMU guest: boot it, save its state, wake it from a state, give it one order, read what it says.

As a program:  vm.py save ROOT-PART KERNEL-PART STATE-FILE

The guest speaks over one virtio-serial port (see guest/vm-run); its console goes to a file, which is what
one shows when a guest hangs or panics.
"""

import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path

# Under TCG time in the guest is slow and uneven: no watchdog of the kernel may judge by it.
APPEND = ("console=ttyS0 panic=-1 oops=panic quiet rdinit=/init systemd.show_status=0 mitigations=off "
          "nowatchdog rcupdate.rcu_cpu_stall_suppress=1")
MEMORY_MB = 1024
CPUS = 2
END = re.compile(rb"^VM-EXIT (\d+) ([\d.]+)\r?$", re.M)


class GuestError(Exception):
    """The guest did not do what it was to do: panic, hang, no answer."""


def time_factor():
    """How much slower than our own machine this one is: a factor for every limit."""
    return float(os.environ.get("STRUCTOPSD_VM_SLOW", "1"))


class Qmp:
    """QEMU's control socket, as far as we need it."""

    def __init__(self, path, process):
        deadline = time.monotonic() + 20 * time_factor()
        while True:
            self.sock = socket.socket(socket.AF_UNIX)
            try:
                self.sock.connect(path)
                break
            except OSError:
                self.sock.close()
                if process.poll() is not None or time.monotonic() > deadline:
                    raise GuestError("QEMU did not start") from None
                time.sleep(0.02)
        self.file = self.sock.makefile("r")
        self.file.readline()
        self("qmp_capabilities")

    def __call__(self, command, **arguments):
        line = json.dumps({"execute": command, "arguments": arguments}) + "\n"
        try:
            self.sock.sendall(line.encode())
        except OSError:
            raise GuestError("QEMU ended") from None
        while True:
            line = self.file.readline()
            if not line:
                raise GuestError("QEMU ended")
            answer = json.loads(line)
            if "error" in answer:
                raise GuestError(f"{command}: {answer['error']['desc']}")
            if "return" in answer:
                return answer["return"]

    def close(self):
        self.file.close()
        self.sock.close()


class Guest:
    """A running QEMU. A context manager: at its end neither the process nor its files are left."""

    running = set()
    ending = False

    @classmethod
    def end_all(cls):
        """Ends every guest, also those of other threads, and lets none start any more."""
        cls.ending = True
        for guest in list(cls.running):
            if guest.process:
                guest.process.kill()

    def __init__(self, initrds, vmlinuz, payload=None, state=None, console_here=False):
        self.dir = Path(tempfile.mkdtemp(prefix="structopsd-vm."))
        self.process = self.qmp = self.port = None
        self.output = b""
        self.console = self.dir / "console"
        self.running.add(self)
        try:
            if self.ending:
                raise GuestError("interrupted")
            self._start(initrds, vmlinuz, payload, state, console_here)
        except GuestError as error:
            said = self.console_tail()
            self.close()
            raise GuestError(f"{error}\n{said}") from None
        except BaseException:
            self.close()
            raise

    def _start(self, initrds, vmlinuz, payload, state, console_here):
        initrd = self.dir / "initrd"
        if state:
            initrd.touch()  # it is in the state
        else:
            with open(initrd, "wb") as out:
                for part in initrds:
                    with open(part, "rb") as f:
                        shutil.copyfileobj(f, out, 1 << 20)
        share = Path(payload) if payload else self.dir / "empty"
        if not payload:
            share.mkdir()
        # The same devices whether it boots or wakes: a state fits only its own machine.
        serial = "stdio,id=console,signal=off" if console_here else f"file,id=console,path={self.console}"
        # thread=single: with a thread a CPU, one CPU can run a stale translation of code that the other one patches (static
        # keys, trampolines), and about one boot in ten on a busy host ended in "Oops: int3". It is not slower.
        command = [
            "qemu-system-x86_64", "-accel", "tcg,thread=single", "-cpu", "max", "-smp", str(CPUS),
            "-m", str(MEMORY_MB), "-nodefaults", "-no-user-config", "-display", "none", "-no-reboot",
            "-kernel", str(vmlinuz), "-initrd", str(initrd), "-append", APPEND,
            "-chardev", serial, "-serial", "chardev:console",
            "-device", "virtio-serial-pci",
            "-chardev", f"socket,id=port,path={self.dir}/port,server=on,wait=off",
            "-device", "virtserialport,chardev=port,name=port",
            "-fsdev", f"local,id=payload,path={share},security_model=none,readonly=on",
            "-device", "virtio-9p-pci,fsdev=payload,mount_tag=payload",
            "-qmp", f"unix:{self.dir}/qmp,server=on,wait=off",
        ]
        if state:
            command += ["-incoming", f"exec:cat '{state}'"]
        with open(self.dir / "qemu.log", "wb") as log:
            self.process = subprocess.Popen(
                command, stdin=None if console_here else subprocess.DEVNULL, stderr=log,
                stdout=None if console_here else log)
        self.qmp = Qmp(str(self.dir / "qmp"), self.process)
        if state:
            self._wait_running()

    def _wait_running(self):
        deadline = time.monotonic() + 30 * time_factor()
        while self.qmp("query-status")["status"] != "running":
            if time.monotonic() > deadline:
                raise GuestError("the saved state does not start")
            time.sleep(0.02)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        """Ends QEMU, if need be the hard way, and removes everything."""
        if self.qmp:
            try:
                self.qmp("quit")
            except (GuestError, OSError, ValueError):
                pass
            self.qmp.close()
        if self.process:
            try:
                self.process.wait(5)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        if self.port:
            self.port.close()
        shutil.rmtree(self.dir, ignore_errors=True)
        self.running.discard(self)

    def console_tail(self, lines=40):
        """The end of what the guest's kernel and QEMU itself said."""
        text = b""
        for name in ("console", "qemu.log"):
            try:
                text += (self.dir / name).read_bytes()
            except OSError:
                pass
        return "\n".join(text.decode(errors="replace").replace("\r", "").splitlines()[-lines:])

    def read_until(self, pattern, seconds):
        """Reads the port until PATTERN matches; returns the match. GuestError on the guest's end or the time's."""
        if not self.port:
            self.port = socket.socket(socket.AF_UNIX)
            self.port.connect(str(self.dir / "port"))
        deadline = time.monotonic() + seconds * time_factor()
        while True:
            match = pattern.search(self.output)
            if match:
                return match
            left = deadline - time.monotonic()
            if left <= 0:
                raise GuestError(f"no end after {seconds * time_factor():.0f} s")
            self.port.settimeout(min(left, 1))
            try:
                data = self.port.recv(1 << 16)
            except socket.timeout:
                if self.process.poll() is not None:
                    raise GuestError("the guest ended (panic?)") from None
                continue
            if not data:
                raise GuestError("the guest ended (panic?)")
            self.output += data

    def wait_ready(self, seconds=180):
        """Waits until the guest has booted; the port is closed again, as it must be for a save."""
        self.read_until(re.compile(rb"^VM-READY", re.M), seconds)

    def order(self, order, test="-"):
        """Tells the guest what to do."""
        if not self.port:
            self.port = socket.socket(socket.AF_UNIX)
            self.port.connect(str(self.dir / "port"))
        self.port.sendall(f"{order} {test} {int(time.time())}\n".encode())

    def result(self, seconds):
        """Waits for the end of the test: (status, seconds in the guest, output)."""
        match = self.read_until(END, seconds)
        text = self.output[: match.start()].decode(errors="replace").replace("\r", "")
        return int(match[1]), float(match[2]), re.sub(r"^VM-READY\n", "", text)

    def save(self, path):
        """Writes the whole machine to PATH and ends it."""
        self.port.close()
        self.port = None
        time.sleep(0.5)  # the guest sees the port close before it is frozen
        self.qmp("migrate-set-parameters", **{"max-bandwidth": 1 << 34})
        self.qmp("migrate", uri=f"exec:cat > '{path}'")
        while True:
            status = self.qmp("query-migrate")
            if status.get("status") in ("completed", "failed"):
                break
            time.sleep(0.1)
        if status["status"] != "completed":
            raise GuestError(f"saving the state failed: {status.get('error-desc', 'disk full?')}")


def raise_on_signals():
    """The first signal becomes an exception, so that every context manager does its work; others do not disturb it."""
    signals = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)

    def end(number, _):
        for s in signals:
            signal.signal(s, signal.SIG_IGN)
        raise SystemExit(128 + number)

    for s in signals:
        signal.signal(s, end)


def save(root, kernel, path):
    with Guest([Path(root) / "base.cpio", Path(kernel) / "modules.cpio"], Path(kernel) / "vmlinuz") as guest:
        try:
            guest.wait_ready()
            guest.save(path)
        except GuestError as error:
            print(guest.console_tail(), file=sys.stderr)
            sys.exit(f"vm: {error}")
    if Path(path).stat().st_size < MEMORY_MB << 14:
        sys.exit("vm: the saved state is too short")


if __name__ == "__main__":
    if len(sys.argv) != 5 or sys.argv[1] != "save":
        sys.exit("usage: vm.py save ROOT-PART KERNEL-PART STATE-FILE")
    raise_on_signals()
    save(*sys.argv[2:])
