#!/usr/bin/env -S python3 -B
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Clients that are bad, slow, silent, many, not permitted: bounded, one line in the log, others are served."""

import os
import shutil
import signal
import socket
import subprocess
import time

import native
from native import NativeTest, kernel, processes, until

NOBODY = 65534
CONNECTIONS_MAX = 128  # daemon/service/server.c
AUTH = b"\0AUTH EXTERNAL 30\r\nNEGOTIATE_UNIX_FD\r\nBEGIN\r\n"  # 30: "0" in hexadecimal, the user
HEADER = b"l\1\0\1" + (16).to_bytes(4, "little") + (1).to_bytes(4, "little")  # a call with a body of 16 bytes

# Instead of the handshake, and after it.
MALFORMED = {
    "nothing of the protocol": b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n",
    "zeros": bytes(4096),
    "noise": os.urandom(64 << 10),
    "a line without an end": b"\0AUTH " + b"A" * (256 << 10),
    "another mechanism": b"\0AUTH ANONYMOUS\r\nAUTH COOKIE\r\nERROR\r\nBEGIN\r\n",
}
MALFORMED_MESSAGES = {
    "noise": os.urandom(16 << 10),
    "a message of 4 GiB": b"l\1\0\1\xff\xff\xff\xff\1\0\0\0\xff\xff\xff\xff",
    "a message of 100 MiB": b"l\1\0\1" + (100 << 20).to_bytes(4, "little") + b"\1\0\0\0\x10\0\0\0",
    "the other byte order and nonsense": b"B\1\0\1" + b"\0" * 60,
}


def field(code: int, signature: str, text: str) -> bytes:
    """A header field of a D-Bus message, aligned to 8."""
    data = bytes([code, len(signature)]) + signature.encode() + b"\0"
    data += len(text).to_bytes(4, "little") + text.encode() + b"\0"
    return data + bytes(-len(data) % 8)


def call(member: str) -> bytes:
    """A method call without arguments, as it goes over the wire."""
    fields = field(1, "o", "/org/structopsd/manager") + field(2, "s", "org.structopsd.Manager1") + field(3, "s", member)
    length = len(fields.rstrip(b"\0")) + 1  # the padding behind the last field is not part of the array
    return b"l\1\0\1" + bytes(4) + (7).to_bytes(4, "little") + length.to_bytes(4, "little") + fields


LIST = call("List")


class ClientTest(NativeTest):
    def setUp(self):
        super().setUp()
        self.sockets = []
        self.addCleanup(lambda: [s.close() for s in self.sockets])
        self.d = self.daemon()
        self.d.policy("a", attach=["RestartSec=0", "StartLimitBurst=0"])
        self.d.start()

    def connect(self) -> socket.socket:
        s = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sockets.append(s)
        s.settimeout(60)
        s.connect(str(self.d.socket))
        return s

    def authenticated(self) -> socket.socket:
        s = self.connect()
        s.sendall(AUTH)
        answer = b""
        while not answer.endswith(b"AGREE_UNIX_FD\r\n"):
            answer += s.recv(4096)
        return s

    def n_connections(self) -> int:
        """Those that the daemon holds, seen from outside."""
        return sum(target.startswith("socket:") for target in processes.descriptors(self.d.pid).values())

    def assert_serves(self) -> None:
        """It answers, and does its work for the kernel."""
        self.d.detach_and_come_back("a")
        self.assert_attached(self.d, "a")

    def assert_few_lines(self, before: str, n: int = 2) -> None:
        new = self.d.log()[len(before) :]
        self.assertLessEqual(len([line for line in new.splitlines() if ": a: " not in line]), n, new)


class Malformed(ClientTest):
    def say(self, s: socket.socket, garbage: bytes) -> None:
        log = self.d.log()
        try:
            s.sendall(garbage)
        except (BrokenPipeError, ConnectionResetError):
            pass  # it was closed before all of it was said
        self.assert_serves()
        self.assert_few_lines(log)

    def test_garbage_is_closed_or_ignored_and_others_are_served(self):
        for name, garbage in MALFORMED.items():
            with self.subTest(name):
                self.say(self.connect(), garbage)
        for name, garbage in MALFORMED_MESSAGES.items():
            with self.subTest(name, after="the handshake"):
                self.say(self.authenticated(), garbage)

    @native.unless_sanitized("AddressSanitizer's shadow is memory, too")
    def test_it_takes_no_memory_for_what_was_only_announced(self):
        self.d = self.daemon()
        self.d.policy("b")
        self.d.start(env={"MALLOC_PERTURB_": "0"})  # meson sets it, and it touches all that is allocated
        before = processes.memory_kib(self.d.pid, "VmRSS")
        for _ in range(50):
            self.authenticated().sendall(MALFORMED_MESSAGES["a message of 100 MiB"])
        self.assertEqual(self.d.status("b")["state"], "attached")
        self.assertLess(processes.memory_kib(self.d.pid, "VmRSS") - before, 20 << 10)

    def test_a_call_of_what_does_not_exist(self):
        s = self.authenticated()
        s.sendall(call("Explode"))
        self.assertIn(b"org.freedesktop.DBus.Error.UnknownMethod", s.recv(4096))
        s.sendall(call("Attach"))
        self.assertIn(b"org.freedesktop.DBus.Error.InvalidArgs", s.recv(4096))
        self.assert_serves()

    def test_half_a_message(self):
        log = self.d.log()
        for part in (1, len(AUTH) - 1, len(AUTH) + 4, len(AUTH) + len(HEADER)):
            self.connect().sendall((AUTH + HEADER)[:part])
        self.assert_serves()
        self.assert_few_lines(log)

    def test_silence(self):
        log = self.d.log()
        for _ in range(10):
            self.connect()
        self.assert_serves()
        self.assert_few_lines(log)

    def test_gone_in_the_middle(self):
        log, n = self.d.log(), self.n_connections()
        for part in range(0, len(AUTH + HEADER), 5):
            s = self.connect()
            s.sendall((AUTH + HEADER)[:part])
            s.close()
        self.assert_serves()
        until(lambda: self.n_connections() == n, "the daemon has let go of them")
        self.assert_few_lines(log)

    def test_a_client_that_is_killed_while_it_waits_for_an_outcome(self):
        with native.OpenGate(self.d.objects / "values.bpf.o") as gate:
            client = subprocess.Popen(self.d.client_command("restart", "a"))
            gate.wait()
            client.kill()
            client.wait()
            gate.let_through()
        self.d.wait_for("a", "attached", "admin")
        self.assert_serves()


class Many(ClientTest):
    def test_a_thousand_connections(self):
        log, before = self.d.log(), self.n_connections()
        for _ in range(1000):
            self.connect()
        self.assert_serves()
        self.assertLessEqual(self.n_connections() - before, CONNECTIONS_MAX)
        self.assert_few_lines(log)
        self.assertEqual(len(self.d.log_lines("clients are connected")), 1, self.d.log())
        for s in self.sockets:
            s.close()
        until(lambda: self.n_connections() <= before, "the daemon has let go of them")

    def test_a_monitor_is_not_what_goes_when_many_come(self):
        with native.Monitor(self.d) as monitor:
            for _ in range(2 * CONNECTIONS_MAX):
                self.connect()
            self.d.detach_by_another("a")
            self.assertEqual(monitor.next()["reason"], "link-detached")

    def test_many_clients_at_the_same_time_all_get_an_answer(self):
        clients = [
            subprocess.Popen(self.d.client_command("list"), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
            for _ in range(60)
        ]
        answers = [c.communicate()[0] for c in clients]
        self.assertEqual([c.returncode for c in clients], [0] * len(clients), answers)


class Slow(ClientTest):
    def test_a_monitor_that_never_reads_is_closed_and_does_not_delay_anybody(self):
        # Restarts of it are quick, and two events each. A reload alone would refuse it.
        self.d.policy("bad", "/nonexistent.bpf.o", head=["Enabled=no"])
        self.d.ctl("reload")
        with native.Monitor(self.d) as monitor:
            log, pid = self.d.log(), monitor.process.pid
            os.kill(pid, signal.SIGSTOP)
            until(lambda: processes.state_of(pid) == "T", "it stands still")
            deadline = time.monotonic() + 120
            while not self.d.log_lines("closed a client") and time.monotonic() < deadline:
                self.d.ctl("restart", *["bad"] * 20)
            self.assert_serves()
            os.kill(pid, signal.SIGCONT)
        new = self.d.log()[len(log) :].splitlines()
        others = [line for line in new if ": bad: " not in line and ": a: " not in line]
        self.assertEqual(len(others), 1)
        self.assert_says(others[0], "closed a client", f"pid {pid}")

    def test_one_that_asks_and_never_reads(self):
        # Each answer stays in the daemon until it is read: it must not keep any number of them.
        s = self.authenticated()
        s.sendall(LIST)
        self.assertIn(b"aa{sv}", s.recv(4096))
        before = processes.memory_kib(self.d.pid, "VmRSS")
        s.setblocking(False)
        deadline = time.monotonic() + 20
        while time.monotonic() < deadline:
            try:
                s.sendall(LIST * 100)
            except BlockingIOError:
                pass  # it no longer takes what we say
            except (BrokenPipeError, ConnectionResetError):
                break
            if processes.memory_kib(self.d.pid, "VmRSS") - before > 64 << 10:
                break
        grown = processes.memory_kib(self.d.pid, "VmRSS") - before
        self.assert_serves()
        self.assertLess(grown, 20 << 10)
        self.assertEqual(len(self.d.log_lines("closed a client")), 1)


class Permissions(NativeTest):
    def start(self, *settings):
        d = self.daemon()
        d.settings = list(settings)
        d.policy("a")
        d.start()
        # Where everybody may run it: the build folder may be below somebody's home.
        self.client = self.scratch / "structopsctl"
        if not self.client.exists():
            shutil.copy(native.CLIENT, self.client)
            self.client.chmod(0o755)
        return d

    def as_user(self, d, *words, gid=NOBODY, groups="--clear-groups"):
        before = ["setpriv", f"--reuid={NOBODY}", f"--regid={gid}", groups]
        command = [*before, str(self.client), "--socket", str(d.socket), *words]
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=120)
        return native.Result(done.returncode, done.stdout, done.stderr)

    def test_by_default_only_root(self):
        d = self.start()
        for words in (["list"], ["status", "a"], ["detach", "a"], ["reload"], ["monitor"]):
            with self.subTest(words):
                result = self.as_user(d, *words)
                self.assertEqual(result.status, 5, result.text)
                self.assert_says(result.err, "may not connect", "ViewGroup=", "ManageGroup=")
        self.assert_attached(d, "a")

    def test_the_view_group_views_and_manages_nothing(self):
        d = self.start("ViewGroup=4242")
        self.assertEqual(self.as_user(d, "list", gid=4242).status, 0)
        self.assertEqual(self.as_user(d, "status", "a", groups="--groups=4242").status, 0, "as a further group, too")
        for words in (["detach", "a"], ["attach", "a"], ["restart", "a"], ["reset-failed", "a"], ["reload"]):
            with self.subTest(words):
                result = self.as_user(d, *words, gid=4242)
                self.assertEqual(result.status, 5, result.text)
                self.assert_says(result.err, "may view but not manage", "ManageGroup=")
        self.assertEqual([e["to"] for e in d.status("a")["events"]], ["loading", "attached"])

    def test_the_manage_group_does_both(self):
        d = self.start("ManageGroup=4243")
        self.assertEqual(self.as_user(d, "detach", "a", gid=4243).status, 0)
        self.assert_not_attached("a")
        self.assertEqual(self.as_user(d, "list", groups="--groups=1,4243").status, 0)

    def test_others_are_refused_with_one_line_however_often_they_come(self):
        d = self.start("ViewGroup=4242")
        for _ in range(20):
            result = self.as_user(d, "list")
            self.assertEqual(result.status, 5, result.text)
            self.assert_says(result.err, "may neither view nor manage")
        self.assertEqual(len(d.log_lines("refused a client")), 1)
        self.assert_says(d.log_lines("refused a client")[0], f"uid {NOBODY}")
        self.assertEqual(kernel.links().get(d.status("a")["link_id"]), d.status("a")["map_id"])


if __name__ == "__main__":
    native.main()
