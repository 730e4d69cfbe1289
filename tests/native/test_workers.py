#!/usr/bin/env -S python3 -B
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Workers that crash, hang or are killed: a state, a reason and a log line, and the daemon works on.

The file of the object is gated (opengate.py), so that a worker is caught while it opens it.
"""

import os
import signal
import time

import native
from native import NativeTest, OpenGate, kernel, processes, until

NO_RETRY = ("Restart=no",)


class Caught(NativeTest):
    def setUp(self):
        super().setUp()
        self.d = self.daemon()
        self.d.policy("good", "maps", object_=["Map=first"])

    def catch(self, gate, **policy) -> int:
        """The worker that loads policy "a", at the gate. The one that checked it for the reload was let through."""
        self.d.policy("a", **policy)
        self.d.ctl("reload", "--no-wait")
        gate.wait()
        gate.let_through()
        pid = gate.wait()
        self.assertIn(pid, self.d.children(), "it is the daemon's child")
        self.assertEqual(self.d.children()[pid], "w:a")
        return pid

    def gate(self):
        return OpenGate(self.d.object("values"))

    def end(self, gate, number, **policy) -> None:
        """Ends that worker by a signal, which reaches it when the kernel lets it through."""
        os.kill(self.catch(gate, **policy), number)
        gate.let_through()

    def check_lost(self, state, *parts):
        row = self.d.wait_for("a", state)
        self.assert_state(row, state, "worker-timeout", *parts)
        lines = self.d.log_lines(f"→ {state} (worker-timeout)")
        self.assertTrue(any(parts[0] in line for line in lines), self.d.log())
        self.assert_attached(self.d, "good")
        return row


class Crash(Caught):
    def test_each_end_is_told_by_its_name(self):
        self.d.start()
        for number in (signal.SIGSEGV, signal.SIGABRT, signal.SIGKILL, signal.SIGTERM):
            with self.subTest(number.name), self.gate() as gate:
                self.end(gate, number, attach=NO_RETRY)
                self.check_lost("failed", f"the worker was killed by {number.name}", "before it could report")
                self.assert_not_attached("a")
                self.assertEqual(self.d.ctl("detach", "a").status, 0)
                (self.d.policies / "a.policy").unlink()
                self.assertEqual(self.d.ctl("reload").status, 0)

    def test_with_restart_it_is_tried_again(self):
        self.d.start()
        with self.gate() as gate:
            self.end(gate, signal.SIGSEGV, attach=["RestartSec=1h", "RestartMaxDelaySec=2h"])
            self.check_lost("waiting", "the worker was killed by SIGSEGV", "restart 1 in 1h")
        self.assertEqual(self.d.ctl("restart", "a").status, 0)
        self.assert_attached(self.d, "a")

    def test_a_crash_while_a_change_is_loaded_leaves_the_former_attachment(self):
        self.d.policy("a", globals_=["g_u8 = 1"])
        self.d.start()
        before = self.assert_attached(self.d, "a")
        with self.gate() as gate:
            self.end(gate, signal.SIGSEGV, globals_=["g_u8 = 2"])
            row = self.d.wait_for("a", "attached", "worker-timeout")
        self.assert_says(row["detail"], "the former attachment stands", "SIGSEGV")
        after = self.assert_attached(self.d, "a")
        self.assertEqual((after["link_id"], after["map_id"]), (before["link_id"], before["map_id"]))
        self.assertEqual([f["actual"] for f in after["fields"] if f["member"] == "Globals.g_u8"], ["1"])
        # And it is still watched.
        self.d.detach_and_come_back("a")


class Hang(Caught):
    def setUp(self):
        super().setUp()
        self.d.settings = ["WorkerTimeoutSec=1s", "WorkersMax=1"]

    def test_one_that_hangs_is_killed_after_the_timeout(self):
        self.d.start()
        with self.gate() as gate:
            pid = self.catch(gate, attach=NO_RETRY)
            row = self.check_lost("failed", "the worker did not end within 1s", "WorkerTimeoutSec=", "was killed")
            loading, failed = row["events"][-2:]
            self.assertGreaterEqual(failed["monotonic_usec"] - loading["monotonic_usec"], 1000000)
            until(lambda: processes.state_of(pid) in "ZX", "it is gone, and not only given up")
        self.assert_not_attached("a")

    def test_one_that_was_stopped_is_killed_too(self):
        self.d.start()
        with self.gate() as gate:
            pid = self.catch(gate, attach=NO_RETRY)
            os.kill(pid, signal.SIGSTOP)
            self.check_lost("failed", "the worker did not end within 1s")
            until(lambda: processes.state_of(pid) in "ZX", "it is gone")

    def test_others_are_loaded_meanwhile(self):
        self.d.settings = ["WorkerTimeoutSec=1h", "WorkersMax=2"]
        self.d.start()
        with self.gate() as gate:
            self.catch(gate)
            self.assertEqual(self.d.ctl("restart", "good").status, 0)
            self.assert_attached(self.d, "good")
            self.assertEqual(self.d.status("a")["state"], "loading")
            gate.let_through()
        self.d.wait_for("a", "attached")

    def test_detached_while_it_loads_the_worker_is_ended(self):
        self.d.settings = ["WorkerTimeoutSec=1h"]
        self.d.start()
        with self.gate() as gate:
            pid = self.catch(gate)
            self.assertEqual(self.d.ctl("detach", "a").status, 0)
            self.assert_state(self.d.status("a"), "inactive", "admin")
            until(lambda: processes.state_of(pid) in "ZX", "the worker is gone")
        self.assert_not_attached("a")

    def test_the_daemon_is_stopped_while_one_hangs(self):
        self.d.settings = ["WorkerTimeoutSec=1h"]
        self.d.start()
        with self.gate() as gate:
            pid = self.catch(gate)
            start = time.monotonic()
            self.assertEqual(self.d.stop(), 0)
            self.assertLess(time.monotonic() - start, 30)
            self.assertIn(processes.state_of(pid), "ZX")


class SideBySide(NativeTest):
    def test_as_many_as_workers_max_allows(self):
        d = self.daemon()
        d.settings = ["WorkersMax=3"]
        names = [f"p{i}" for i in range(5)]
        paths = {name: d.object("values", f"{name}.bpf.o") for name in names}
        for name in names:
            d.policy(name, name)
        gates = {name: OpenGate(path) for name, path in paths.items()}
        try:
            d.launch()
            for name in names[:3]:
                gates[name].wait()
            workers = [n for n in d.children().values() if n.startswith("w:")]
            self.assertEqual(len(workers), 3)
        finally:
            for gate in gates.values():
                gate.__exit__()
        d.settled()
        for name in names:
            self.assert_attached(d, name)

    def test_a_worker_has_nothing_of_the_daemons(self):
        # No socket of the bus, no link or map of another policy: what attacks it cannot reach them.
        d = self.daemon()
        d.policy("good", "maps", object_=["Map=first"])
        d.start()
        self.assertEqual(len([t for t in processes.descriptors(d.pid).values() if "bpf" in t]), 2)
        d.policy("a")
        with OpenGate(d.objects / "values.bpf.o") as gate:
            d.ctl("reload", "--no-wait")
            descriptors = processes.descriptors(gate.wait())
            gate.let_through()
        others = {fd: t for fd, t in descriptors.items() if fd > 2}
        self.assertFalse([t for t in others.values() if "bpf" in t or "eventpoll" in t], others)
        self.assertEqual(len([t for t in others.values() if t.startswith("socket:")]), 1, others)

    def test_no_zombie_and_no_descriptor_is_left(self):
        d = self.daemon()
        d.policy("a")
        d.policy("bad", "/nonexistent.bpf.o")
        d.start()
        before = len(processes.descriptors(d.pid))
        for _ in range(10):
            d.ctl("restart", "a", "bad")
        until(lambda: len(processes.descriptors(d.pid)) == before, lambda: f"{processes.descriptors(d.pid)}")
        self.assertEqual(processes.zombies(d.pid), [])
        self.assertEqual(list(kernel.links().values()).count(d.status("a")["map_id"]), 1)


if __name__ == "__main__":
    native.main()
