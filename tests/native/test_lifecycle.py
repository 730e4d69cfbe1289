#!/usr/bin/env -S python3 -B
# SPDX-License-Identifier: LGPL-2.1-or-later
"""The daemon's own life: signals, what it leaves behind, and what it tells the service manager and the journal."""

import os
import re
import signal
import socket
import subprocess
import time

import native
from native import NativeTest, kernel, processes, until


class Stop(NativeTest):
    def started(self):
        d = self.daemon()
        d.settings = ["KeepLinks=no"]
        for name in ("a", "b", "c"):
            d.policy(name)
        d.start()
        self.maps = [self.assert_attached(d, n)["map_id"] for n in ("a", "b", "c")]
        return d

    def assert_nothing_left(self):
        until(lambda: not kernel.left_by(native.PREFIX), lambda: f"all is gone: {kernel.left_by(native.PREFIX)}")
        until(lambda: not set(self.maps) & set(kernel.struct_ops()), "the maps are gone")

    def test_by_each_signal_the_kernel_is_as_before(self):
        for number in (signal.SIGTERM, signal.SIGINT):
            with self.subTest(number.name):
                d = self.started()
                d.signal(number)
                self.assertEqual(d.wait(), 0)
                self.assert_nothing_left()
                lines = d.log_lines("detaching → inactive (admin)")
                self.assertEqual(len(lines), 3, d.log())
                self.assert_says(d.log(), f"{number.name} from pid {os.getpid()}: stopping")

    def test_killed_nothing_stays_behind(self):
        d = self.started()
        children = list(d.children())
        d.signal(signal.SIGKILL)
        d.wait()
        self.assert_nothing_left()
        until(lambda: all(processes.state_of(p) in "ZX" for p in children), "helper and workers are gone")

    def test_killed_while_it_loads_nothing_stays_behind(self):
        d = self.started()
        d.policy("late", "tcp_aimd", object_=["Map=aimd"])
        with native.OpenGate(d.objects / "tcp_aimd.bpf.o") as gate:
            d.ctl("reload", "--no-wait")
            worker = gate.wait()
            d.signal(signal.SIGKILL)
            d.wait()
            until(lambda: processes.state_of(worker) in "ZX", "the worker is gone with its daemon")
        self.assert_nothing_left()

    def test_crashed_nothing_stays_behind(self):
        d = self.started()
        d.signal(signal.SIGSEGV if not native.IS_SANITIZED else signal.SIGKILL)
        d.wait()
        self.assert_nothing_left()

    def test_asked_while_a_policy_waits_and_another_has_failed(self):
        d = self.daemon()
        d.policy("bad", "/nonexistent.bpf.o")
        d.policy("a", attach=["RestartSec=1h", "RestartMaxDelaySec=2h"])
        d.start()
        d.detach_by_another("a")
        d.wait_for("a", "waiting")
        self.assertEqual(d.stop(), 0)

    def test_clients_that_wait_are_told(self):
        d = self.daemon()
        d.policy("a")
        d.object("values")
        d.policy("slow", "maps", object_=["Map=first"], head=["Enabled=no"])
        d.start()
        with native.OpenGate(d.objects / "maps.bpf.o") as gate:
            client = subprocess.Popen(d.client_command("attach", "slow"), stderr=subprocess.PIPE, text=True)
            gate.wait()
            d.signal(signal.SIGTERM)
            self.assertEqual(d.wait(), 0)
        _, said = client.communicate(timeout=60)
        self.assertIn(client.returncode, (1, 6), said)
        self.assert_says(said, "slow: ")

    def test_the_socket_is_of_no_use_afterwards_and_a_new_daemon_takes_it(self):
        d = self.started()
        self.assertEqual(d.stop(), 0)
        self.assertEqual(d.ctl("list").status, 6)
        d.start()
        self.assert_attached(d, "a")


class Notify(NativeTest):
    def setUp(self):
        super().setUp()
        self.d = self.daemon()
        self.path = self.scratch / "notify"
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.addCleanup(self.socket.close)
        self.socket.bind(str(self.path))
        self.socket.settimeout(60)
        self.said: list[str] = []

    def start(self, **env):
        self.d.start(env={"NOTIFY_SOCKET": str(self.path), **env})

    def until_said(self, condition) -> str:
        """Reads messages up to the first for which the condition holds."""
        while True:
            self.said.append(self.socket.recv(4096).decode())
            if condition(self.said[-1]):
                return self.said[-1]

    def test_ready_when_every_policy_has_come_to_an_outcome(self):
        self.d.policy("a")
        self.d.policy("bad", "/nonexistent.bpf.o")
        with native.OpenGate(self.d.object("values")) as gate:
            self.d.launch(env={"NOTIFY_SOCKET": str(self.path)})
            gate.wait()
            self.until_said(lambda m: "1 loading" in m and "1 failed" in m)
            self.assertNotIn("READY=1", "".join(self.said))
            gate.let_through()
        self.until_said(lambda m: "READY=1" in m)
        self.assertEqual(self.d.list()["a"]["state"], "attached")

    def test_ready_without_a_policy(self):
        self.d.launch(env={"NOTIFY_SOCKET": str(self.path)})
        self.until_said(lambda m: "READY=1" in m)
        self.d.settled()

    def test_status_counts_the_states(self):
        self.d.policy("a", attach=["RestartSec=1h", "RestartMaxDelaySec=2h"])
        self.d.policy("b")
        self.d.policy("bad", "/nonexistent.bpf.o")
        self.d.raw("broken.policy", "Path=x\n")
        self.start()
        self.until_said(lambda m: "STATUS=2 attached, 0 waiting, 1 failed, 1 invalid" in m)
        self.d.detach_by_another("a")
        self.until_said(lambda m: "STATUS=1 attached, 1 waiting, 1 failed, 1 invalid" in m)
        self.d.ctl("detach", "b")
        self.until_said(lambda m: "STATUS=0 attached, 1 waiting, 1 failed, 1 invalid" in m)

    def test_reloading_with_its_time_then_ready_when_it_is_over(self):
        self.d.policy("a", globals_=["g_u8 = 1"])
        self.start()
        self.until_said(lambda m: "READY=1" in m)
        self.d.policy("a", globals_=["g_u8 = 2"])
        before = native.monotonic_usec()
        with native.OpenGate(self.d.objects / "values.bpf.o") as gate:
            self.d.signal(signal.SIGHUP)
            message = self.until_said(lambda m: "RELOADING=1" in m)
            at = int(re.search(r"^MONOTONIC_USEC=(\d+)$", message, re.MULTILINE)[1])
            self.assertTrue(before <= at <= native.monotonic_usec())
            gate.wait()  # a worker looks at the object, and nothing has been changed yet
            n = len(self.said)
            gate.let_through()
        self.until_said(lambda m: "READY=1" in m)
        self.assertNotIn("READY=1", "".join(self.said[n:-1]))
        self.assertEqual([f["actual"] for f in self.d.status("a")["fields"] if "g_u8" in f["member"]], ["2"])

    def test_a_refused_reload_ends_too(self):
        self.d.policy("a")
        self.start()
        self.until_said(lambda m: "READY=1" in m)
        self.d.raw("broken.policy", "Path=x\n")
        self.d.signal(signal.SIGHUP)
        self.until_said(lambda m: "RELOADING=1" in m)
        self.until_said(lambda m: "READY=1" in m)

    def test_stopping(self):
        self.d.policy("a")
        self.start()
        self.until_said(lambda m: "READY=1" in m)
        self.assertEqual(self.d.stop(), 0)
        self.until_said(lambda m: "STOPPING=1" in m)

    def test_stopping_takes_the_time_that_it_takes(self):
        """Each detachment waits for RCU: TimeoutStopSec= does not count as long as they go on."""
        for i in range(6):
            self.d.policy(f"p{i}")
        self.d.settings = ["WorkerTimeoutSec=20s", "WorkersMax=1"]
        self.start()
        self.until_said(lambda m: "READY=1" in m)
        self.d.signal(signal.SIGTERM)
        self.until_said(lambda m: "6 detaching" in m)
        self.until_said(lambda m: m == "EXTEND_TIMEOUT_USEC=30000000")
        self.until_said(lambda m: "detaching" in m and "6 detaching" not in m)
        self.until_said(lambda m: m == "EXTEND_TIMEOUT_USEC=30000000")
        self.assertEqual(self.d.wait(), 0)

    def test_watchdog_while_a_worker_hangs(self):
        self.d.policy("a")
        with native.OpenGate(self.d.object("values")) as gate:
            self.d.launch(env={"NOTIFY_SOCKET": str(self.path), "WATCHDOG_USEC": "400000"})
            gate.wait()
            times = []
            for _ in range(4):
                self.until_said(lambda m: "WATCHDOG=1" in m)
                times.append(time.monotonic())
            gate.let_through()
        gaps = [b - a for a, b in zip(times, times[1:])]
        self.assertTrue(all(gap < 0.4 for gap in gaps) or native.IS_SANITIZED, gaps)
        self.d.settled()

    def test_no_watchdog_where_none_is_asked_for(self):
        self.d.policy("a")
        self.start(WATCHDOG_USEC="400000", WATCHDOG_PID="1")
        self.until_said(lambda m: "READY=1" in m)
        self.d.ctl("restart", "a")
        self.d.stop()
        self.until_said(lambda m: "STOPPING=1" in m)
        self.assertNotIn("WATCHDOG=1", "".join(self.said))


class SocketActivation(NativeTest):
    def listening(self, path):
        s = socket.socket(socket.AF_UNIX)
        self.addCleanup(s.close)
        s.bind(str(path))
        s.listen(16)
        return s

    def start(self, d, *sockets):
        # LISTEN_PID must be the daemon's own: the shell becomes it.
        moves = " ".join(f"{10 + i}<&{s.fileno()}" for i, s in enumerate(sockets))
        places = " ".join(f"{3 + i}<&{10 + i}" for i in range(len(sockets)))
        script = f'exec {moves}; exec {places}; LISTEN_FDS={len(sockets)} LISTEN_PID=$$ exec "$@"'
        d.launch(before=["bash", "-c", script, "bash"], pass_fds=[s.fileno() for s in sockets])

    def test_it_serves_on_the_socket_that_it_was_given(self):
        d = self.daemon()
        d.policy("a")
        d.run.mkdir()
        s = self.listening(d.socket)
        inode = os.fstat(s.fileno()).st_ino
        # The client came before the daemon: it waits in the socket's queue.
        client = subprocess.Popen(d.client_command("list"), stdout=subprocess.PIPE, text=True)
        self.start(d, s)
        self.assertIn(" a ", client.communicate(timeout=60)[0])
        d.settled()
        self.assert_attached(d, "a")
        self.assertIn(f"socket:[{inode}]", processes.descriptors(d.pid).values())
        self.assertEqual(d.stop(), 0)
        self.assertTrue(d.socket.exists(), "the socket is not the daemon's to remove")

    def test_two_are_refused(self):
        d = self.daemon()
        self.start(d, self.listening(self.scratch / "one"), self.listening(self.scratch / "two"))
        self.assertEqual(d.wait(), 1)
        self.assert_says(d.log(), "more than one socket, expected one")


class Journal(NativeTest):
    """A journal of the test's own, in a mount namespace where the daemon finds it under the usual path."""

    def setUp(self):
        super().setUp()
        self.d = self.daemon()
        self.folder = self.scratch / "journal"
        self.folder.mkdir()
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.addCleanup(self.socket.close)
        self.socket.bind(str(self.folder / "socket"))
        self.socket.settimeout(60)

    def start(self):
        script = (
            "mount -t tmpfs tmpfs /run && mkdir -p /run/systemd/journal && "
            'mount --bind "$1" /run/systemd/journal && shift && exec "$@"'
        )
        before = ["unshare", "--mount", "--propagation=private", "sh", "-c", script, "sh", self.folder]
        self.d.start(before=before, more=["--log-target", "journal"])

    def entry(self, condition) -> dict[str, str]:
        while True:
            text = self.socket.recv(1 << 16).decode()
            fields = dict(line.split("=", 1) for line in text.splitlines() if "=" in line)
            if condition(fields):
                return fields

    def test_each_change_has_its_fields(self):
        self.d.policy("a", attach=["RestartSec=0"])
        self.d.policy("bad", "/nonexistent.bpf.o")
        self.start()
        entry = self.entry(lambda f: f.get("POLICY") == "a" and f.get("STATE") == "attached")
        row = self.assert_attached(self.d, "a")
        self.assertEqual((entry["REASON"], entry["LINK_ID"]), ("boot", str(row["link_id"])))
        self.assertEqual((entry["PRIORITY"], entry["SYSLOG_IDENTIFIER"]), ("6", "structopsd"))
        self.assertRegex(entry["MESSAGE_ID"], "^[0-9a-f]{32}$")
        self.assert_says(entry["MESSAGE"], "a: ", "loading → attached (boot)")
        attached_id = entry["MESSAGE_ID"]

        self.d.detach_by_another("a")
        entry = self.entry(lambda f: f.get("REASON") == "link-detached" and f.get("STATE") == "attached")
        self.assertEqual(entry["MESSAGE_ID"], attached_id, "the same kind of event")

        self.d.ctl("restart", "bad")
        entry = self.entry(lambda f: f.get("POLICY") == "bad" and f.get("STATE") == "failed")
        self.assertEqual((entry["REASON"], entry["PRIORITY"]), ("load-failed", "3"))
        self.assertNotIn("LINK_ID", entry)
        self.assertNotEqual(entry["MESSAGE_ID"], attached_id)
        self.assertEqual(self.d.log(), "", "and nothing of it on stderr")

    def test_without_a_journal_it_says_so_and_writes_to_stderr(self):
        self.d.policy("a")
        script = 'mount -t tmpfs tmpfs /run && exec "$@"'
        before = ["unshare", "--mount", "--propagation=private", "sh", "-c", script, "sh"]
        self.d.start(before=before, more=["--log-target", "journal"])
        self.assert_says(self.d.log(), "no journal at", "a: loading → attached (boot)")


class Configuration(NativeTest):
    def test_drop_ins_of_the_configuration(self):
        d = self.daemon()
        d.settings = ["LogLevel=debug"]
        (d.folder / "structopsd.conf.d").mkdir()
        (d.folder / "structopsd.conf.d" / "10.conf").write_text("[Daemon]\nViewGroup=4242\n")
        d.policy("a")
        d.start()
        self.assertEqual(os.stat(d.socket).st_mode & 0o777, 0o666, "a view group: everybody may connect and be judged")

    def test_without_groups_the_socket_is_roots(self):
        d = self.daemon()
        d.start()
        self.assertEqual(os.stat(d.socket).st_mode & 0o777, 0o600)

    def test_version_and_help(self):
        for program in (native.DAEMON, native.CLIENT):
            for option, part in (("--version", program.name), ("--help", "--")):
                done = subprocess.run([program, option], capture_output=True, text=True, check=True)
                self.assertIn(part, done.stdout)
                self.assertEqual(done.stderr, "")

    def test_an_idle_daemon_sleeps(self):
        d = self.daemon()
        d.policy("a")
        d.start()
        def switches():
            with open(f"/proc/{d.pid}/status", encoding="ascii") as f:
                return sum(int(line.split()[1]) for line in f if "ctxt_switches" in line)

        # The first looks may still see the client's connection being closed.
        counts = [switches()]

        def is_still():
            counts.append(switches())
            return len(counts) > 20 and counts[-1] == counts[-20]

        until(is_still, "20 looks, 50 ms apart, without a wake-up", pause=0.05)


if __name__ == "__main__":
    native.main()
