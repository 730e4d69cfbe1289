#!/usr/bin/env -S python3 -B
# SPDX-License-Identifier: LGPL-2.1-or-later
"""switch: one algorithm in place of another of the same name, for a time, until a restart, and back; and when it fails."""

import signal

import native
from load import SocketLoad
from native import NativeTest, algorithm, kernel, until

SWITCHES = 40


class SwitchTest(NativeTest):
    def setUp(self):
        super().setUp()
        self.d = self.daemon()

    def write(self, name: str, *args, head=("Enabled=no",), **policy):
        """A policy whose algorithm has the name of that of "a"."""
        return self.d.policy(name, *args, head=head, fields=[f"name = {algorithm('a')}"], **policy)

    def start(self, *args, **policy):
        """ "a" is attached, "b" could be."""
        self.d.policy("a", globals_=["g_u8 = 1"])
        self.write("b", *args, **{"globals_": ["g_u8 = 2"], **policy})
        self.d.start()
        return self.assert_attached(self.d, "a")

    def switch(self, *words, status=0) -> str:
        result = self.d.ctl("switch", *words)
        self.assertEqual(result.status, status, result.text)
        return result.text

    def value(self, name: str) -> str:
        return next(f["actual"] for f in self.d.status(name)["fields"] if f["member"] == "Globals.g_u8")

    def restart_daemon(self) -> None:
        """Another one takes over what this one leaves."""
        self.d.signal(signal.SIGUSR1)
        self.assertEqual(self.d.wait(), 0)
        self.d.start()


class ThereAndBack(SwitchTest):
    def test_on_the_same_link(self):
        before = self.start()
        text = self.switch("b")
        self.assert_says(text, "b: attached: in place of a (updated on the same link, no gap)")
        after = self.assert_attached(self.d, "b")
        self.assertEqual(after["link_id"], before["link_id"])
        self.assertEqual((after["switched_from"], after["switch_ends_usec"]), ("a", None))
        self.assertEqual(self.value("b"), "2")
        self.assert_state(self.d.status("a"), "inactive", "admin", "b was put in its place")
        self.assert_says(self.d.ctl("status", "b").out, "In place of: a until somebody switches back")
        until(lambda: before["map_id"] not in kernel.struct_ops(), "the former map is gone")

        self.assert_says(self.switch("--back", "b"), "b: attached: in place of b (updated")
        after = self.assert_attached(self.d, "a")
        self.assertEqual((after["switched_from"], self.value("a")), (None, "1"))
        self.assert_state(self.d.status("b"), "inactive", "admin", "a was put in its place")

    def test_it_is_watched_and_comes_back(self):
        self.start()
        self.switch("b")
        self.d.detach_and_come_back("b")
        row = self.assert_attached(self.d, "b")
        self.assertEqual(row["switched_from"], "a")

    def test_another_name_is_another_place(self):
        before = self.start()
        self.d.policy("c", head=["Enabled=no"])
        self.d.ctl("reload")
        self.assert_says(self.switch("c"), "nothing of ours was in its place")
        self.assert_attached(self.d, "c")
        self.assertEqual(self.assert_attached(self.d, "a")["link_id"], before["link_id"])
        self.assert_says(self.switch("c"), "attached already")
        self.assert_says(self.switch("--back", "c", status=1), "not in place of another")

    def test_usage(self):
        self.start()
        self.switch("b", "--for", "soon", status=2)
        self.switch("b", "--for", "2h", "--back", status=2)
        self.switch("nobody", status=4)


class ForATime(SwitchTest):
    def test_goes_back_by_itself(self):
        self.start()
        self.switch("b", "--for", "3s")
        row = self.assert_attached(self.d, "b")
        self.assertEqual(row["switched_from"], "a")
        self.assertLess(abs(row["switch_ends_usec"] / 1e6 - native.time.time() - 3), 3)
        back = self.d.wait_for("a", "attached")["events"][-1]
        self.assertGreater(back["time_usec"], row["switch_ends_usec"] - 100000)  # told in real time
        self.assertEqual(self.value("a"), "1")
        self.assert_attached(self.d, "a")
        self.assert_state(self.d.status("b"), "inactive", "admin")

    def test_until_the_daemon_starts_anew(self):
        self.d.settings = ["KeepLinks=pin"]
        before = self.start()
        self.switch("b", "--until-restart")
        self.assert_says(self.d.ctl("status", "b").out, "In place of: a until the daemon starts anew")
        self.restart_daemon()
        self.d.wait_for("a", "attached")
        self.d.settled()
        row = self.assert_attached(self.d, "a")
        self.assertEqual(row["link_id"], before["link_id"], "it was never off")
        self.assertEqual(self.value("a"), "1")
        self.assert_state(self.d.status("b"), "inactive", "admin", "a was put in its place")
        self.restart_daemon()
        self.assert_state(self.assert_attached(self.d, "a"), "attached", "adopted")

    def test_a_restart_does_not_end_the_others(self):
        self.d.settings = ["KeepLinks=pin"]
        self.start()
        self.switch("b", "--for", "1h")
        before = self.assert_attached(self.d, "b")
        self.restart_daemon()
        after = self.assert_attached(self.d, "b")
        for key in ("link_id", "map_id", "switched_from"):
            self.assertEqual(after[key], before[key])
        # It is told in real time, and kept in the time of the machine.
        self.assertLess(abs(after["switch_ends_usec"] - before["switch_ends_usec"]), 1e6)
        self.assertEqual(self.d.status("a")["state"], "inactive")
        self.switch("--back", "b")
        self.assert_attached(self.d, "a")

    def test_crash_in_the_time(self):
        self.d.settings = ["KeepLinks=pin"]
        self.start()
        self.switch("b", "--for", "1h")
        before = self.assert_attached(self.d, "b")
        self.d.process.kill()
        self.d.process.wait()
        self.d.start()
        self.assertEqual(self.assert_attached(self.d, "b")["link_id"], before["link_id"])
        self.switch("--back", "b")
        self.assert_attached(self.d, "a")


class Failing(SwitchTest):
    def assert_as_before(self, before):
        after = self.assert_attached(self.d, "a")
        self.assertEqual((after["link_id"], after["map_id"]), (before["link_id"], before["map_id"]))
        self.d.detach_and_come_back("a")

    def test_what_does_not_fit_its_object_is_not_tried(self):
        before = self.start(globals_=["g_u8 = 1000"])
        self.assert_says(self.switch("b", status=1), "b.policy:", "g_u8")
        self.assertEqual(self.d.status("b")["state"], "inactive")
        self.assertEqual(self.d.status("a")["events"][-1]["reason"], "boot")
        self.assert_as_before(before)

    def test_what_the_verifier_refuses(self):
        before = self.start("maps", object_=["Map=wild"], globals_=[])
        text = self.switch("b", status=1)
        self.assert_says(text, "it could not be put in place of a, which goes on", "wild_ssthresh")
        self.assert_state(self.d.status("b"), "failed", "load-failed")
        self.assertIn("verifier_log", self.d.status("b"))
        self.assert_state(self.d.status("a"), "attached", "admin", "it goes on (link")
        self.assert_as_before(before)

    def test_object_that_is_gone(self):
        before = self.start()
        (self.d.objects / "values.bpf.o").unlink()
        self.assert_says(self.switch("b", status=1), "values.bpf.o")
        self.assert_as_before(before)

    def test_way_back_that_fails(self):
        self.start()
        self.switch("b", "--for", "1h")
        before = self.assert_attached(self.d, "b")
        (self.d.objects / "values.bpf.o").unlink()
        self.assert_says(self.switch("--back", "b", status=1), "which goes on", "values.bpf.o")
        after = self.assert_attached(self.d, "b")
        self.assertEqual(after["link_id"], before["link_id"])
        self.assertEqual((after["switched_from"], after["switch_ends_usec"]), ("a", None))


class UnderLoad(SwitchTest):
    def test_no_socket_is_refused(self):
        self.start()
        with SocketLoad(algorithm("a")) as load:
            for i in range(SWITCHES):
                self.assert_says(self.switch("b"), "no gap")
                self.switch(*(("a",) if i % 2 else ("--back", "b")))
        self.assertEqual(load.failures, [])
        self.assertGreaterEqual(load.asked, SocketLoad.AT_LEAST)
        self.assertEqual(load.received, load.sent)
        self.assertGreater(load.received, 0)
        self.assert_attached(self.d, "a")
        until(lambda: len([1 for m in kernel.struct_ops().values() if m.get("name") == algorithm("a")]) == 1, "one map")


if __name__ == "__main__":
    native.main()
