#!/usr/bin/env -S python3 -B
# SPDX-License-Identifier: LGPL-2.1-or-later
"""What happens after somebody else has detached the link: again at once, later, never, or another policy instead."""

import os
import signal
import subprocess

import native
from native import Monitor, NativeTest, kernel, processes, until

FOREVER = ("StartLimitBurst=0",)
N_DETACHES = 200


def delays(events: list[dict]) -> list[float]:
    """For each wait its length, in ms: from the event that says "waiting" to the attempt that ended it."""
    found = []
    for one, next_one in zip(events, events[1:]):
        if one["to"] == "waiting":
            found.append((next_one["monotonic_usec"] - one["monotonic_usec"]) / 1000)
    return found


class Detached(NativeTest):
    def test_two_hundred_times_none_missed(self):
        d = self.daemon()
        d.policy("a", attach=["RestartSec=0", *FOREVER])
        d.start()
        first = self.assert_attached(d, "a")
        link_id = first["link_id"]
        with Monitor(d) as monitor:
            for _ in range(N_DETACHES):
                kernel.detach(link_id)
                link_id = monitor.until(lambda e: e["to"] == "attached")["link_id"]
        events = monitor.events
        self.assertEqual([e["to"] for e in events], ["loading", "attached"] * N_DETACHES)
        self.assertEqual({e["reason"] for e in events}, {"link-detached"})
        self.assertEqual(len({e["link_id"] for e in events if e["link_id"]}), N_DETACHES, "a new link each time")
        numbers = [e["seq"] for e in events]
        self.assertEqual(numbers, list(range(numbers[0], numbers[0] + len(numbers))), "no event is missing")
        row = self.assert_attached(d, "a")
        self.assertEqual(row["restarts"], N_DETACHES)
        self.assertEqual(row["map_id"], first["map_id"], "the map was linked again, not loaded again")

    def test_many_policies_at_the_same_time(self):
        d = self.daemon()
        names = [f"p{i}" for i in range(12)]
        for name in names:
            d.policy(name, attach=["RestartSec=0", *FOREVER])
        d.start()
        for _ in range(3):
            ids = {n: r["link_id"] for n, r in d.list().items()}
            commands = [["bpftool", "link", "detach", "id", str(i)] for i in ids.values()]
            for process in [subprocess.Popen(c) for c in commands]:
                self.assertEqual(process.wait(60), 0)
            until(lambda: all(r["link_id"] not in (None, ids[n]) for n, r in d.list().items()), "all have a new link")
        for name in names:
            self.assertEqual(self.assert_attached(d, name)["restarts"], 3)

    def test_detached_while_a_reload_brings_in_a_change(self):
        d = self.daemon()
        d.policy("a", attach=["RestartSec=0", *FOREVER], globals_=["g_u8 = 1"])
        d.start()
        d.policy("a", attach=["RestartSec=0", *FOREVER], globals_=["g_u8 = 2"])
        with native.OpenGate(d.objects / "values.bpf.o") as gate:
            d.ctl("reload", "--no-wait")
            gate.wait()
            d.detach_by_another("a")
            gate.let_through()
        d.wait_for("a", "attached")
        until(lambda: [f for f in d.status("a")["fields"] if f["actual"] == "2"], "the change is in")
        self.assert_attached(d, "a")

    def test_the_daemons_own_detach_is_no_reason_to_come_back(self):
        d = self.daemon()
        d.policy("a", attach=["RestartSec=0"])
        d.start()
        self.assertEqual(d.ctl("detach", "a").status, 0)
        row = d.status("a")
        self.assert_state(row, "inactive", "admin")
        self.assertEqual([e["to"] for e in row["events"]], ["loading", "attached", "detaching", "inactive"])
        self.assert_not_attached("a")


class Mode(NativeTest):
    def comes_back(self, *attach):
        d = self.daemon()
        d.policy("a", attach=["RestartSec=1ms", *attach])
        d.start()
        row = d.detach_and_come_back("a")
        self.assertEqual((row["restarts"], row["reason"]), (1, "link-detached"))

    def test_no(self):
        d = self.daemon()
        d.policy("a", attach=["Restart=no"])
        d.start()
        d.detach_by_another("a")
        row = d.wait_for("a", "inactive")
        self.assert_state(row, "inactive", "link-detached", "another process", "Restart=no")
        self.assert_not_attached("a")
        self.assertEqual(d.ctl("attach", "a").status, 0)
        self.assert_attached(d, "a")

    def test_always(self):
        self.comes_back("Restart=always")

    def test_on_detach_is_the_default(self):
        self.comes_back()


class BackOff(NativeTest):
    def check_delays(self, events, wanted):
        """Never early; late by no more than a busy machine explains."""
        measured = delays(events)[: len(wanted)]
        self.assertEqual(len(measured), len(wanted), measured)
        for i, (ms, nominal) in enumerate(zip(measured, wanted)):
            self.assertGreaterEqual(ms, nominal * 0.99, f"wait {i}: {measured}")
            self.assertLess(ms, nominal * 1.5 + 150, f"wait {i}: {measured}")

    def test_it_grows_in_steps_up_to_the_cap(self):
        d = self.daemon()
        attach = ["RestartSec=20ms", "RestartSteps=3", "RestartMaxDelaySec=160ms", *FOREVER]
        d.policy("a", attach=attach)
        d.start()
        with Monitor(d) as monitor:
            for _ in range(6):
                d.detach_by_another("a")
                monitor.until(lambda e: e["to"] == "attached")
        self.check_delays(monitor.events, [20, 40, 80, 160, 160, 160])
        waiting = [e for e in monitor.events if e["to"] == "waiting"]
        self.assert_says(waiting[1]["detail"], "restart 2 in 40ms")

    def test_next_attempt_is_told_while_it_waits(self):
        d = self.daemon()
        d.policy("a", attach=["RestartSec=1h", "RestartMaxDelaySec=2h"])
        d.start()
        d.detach_by_another("a")
        row = d.wait_for("a", "waiting", "link-detached")
        hour = 3600 * 1000000
        self.assertAlmostEqual(row["next_attempt_usec"], row["events"][-1]["time_usec"] + hour, delta=2000000)
        self.assertIn("next attempt", d.ctl("status", "a").out)
        # A verb need not wait for it.
        self.assertEqual(d.ctl("restart", "a").status, 0)
        row = self.assert_attached(d, "a")
        self.assertEqual((row["restarts"], row["next_attempt_usec"]), (0, None))

    def test_detach_while_it_waits(self):
        d = self.daemon()
        d.policy("a", attach=["RestartSec=1h", "RestartMaxDelaySec=2h"])
        d.start()
        d.detach_by_another("a")
        d.wait_for("a", "waiting")
        self.assertEqual(d.ctl("detach", "a").status, 0)
        self.assert_state(d.status("a"), "inactive", "admin")

    def test_attached_for_long_enough_all_begins_anew(self):
        d = self.daemon()
        steps = ["RestartSec=30ms", "RestartSteps=2", "RestartMaxDelaySec=10s"]
        d.policy("a", attach=[*steps, "StartLimitIntervalSec=300ms"])
        d.start()
        with Monitor(d) as monitor:
            for _ in range(2):
                # Condition: the daemon's own clock says that it was attached for the interval.
                attached = d.status("a")["events"][-1]["monotonic_usec"]
                until(lambda since=attached: native.monotonic_usec() > since + 350000, "attached for 350 ms")
                d.detach_by_another("a")
                monitor.until(lambda e: e["to"] == "attached")
        self.check_delays(monitor.events, [30, 30])


class Limit(NativeTest):
    ATTACH = ("RestartSec=1ms", "RestartMaxDelaySec=1ms", "StartLimitBurst=3", "StartLimitIntervalSec=1min")

    def run_into_limit(self, d, name="a"):
        for i in range(1, 4):
            until(lambda: d.status(name)["state"] in ("attached", "failed"), "attached")
            d.detach_by_another(name)
            until(lambda n=i: d.status(name)["restarts"] == n or d.status(name)["state"] == "failed", "seen")
        return d.wait_for(name, "failed")

    def limited(self, **policy):
        d = self.daemon()
        d.policy("a", attach=self.ATTACH, **policy)
        return d

    def test_failed_with_the_limit_in_the_sentence(self):
        d = self.limited()
        d.start()
        row = self.run_into_limit(d)
        self.assert_state(row, "failed", "limit-hit", "3 starts within 1min", "StartLimitBurst=", "another process")
        self.assertEqual(row["restarts"], 2)
        self.assert_not_attached("a")
        self.assertEqual(d.ctl("status", "a").status, 3)

    def test_reset_failed_clears_it_and_does_not_attach(self):
        d = self.limited()
        d.start()
        self.run_into_limit(d)
        self.assertEqual(d.ctl("reset-failed", "a").status, 0)
        self.assert_state(d.status("a"), "inactive", "admin")
        self.assert_not_attached("a")
        self.assertEqual(d.ctl("attach", "a").status, 0)
        self.assertEqual(self.assert_attached(d, "a")["restarts"], 0)

    def test_restart_clears_it_and_the_counter(self):
        d = self.limited()
        d.start()
        self.run_into_limit(d)
        self.assertEqual(d.ctl("restart", "a").status, 0)
        self.assertEqual(self.assert_attached(d, "a")["restarts"], 0)
        self.run_into_limit(d)

    def test_the_fallback_is_attached_and_goes_when_the_policy_is_back(self):
        d = self.limited(head=["Fallback=b"])
        d.policy("b", head=["Enabled=no"])
        d.start()
        self.assertEqual(d.status("b")["state"], "inactive")
        self.run_into_limit(d)
        row = d.wait_for("b", "attached")
        self.assert_state(row, "attached", "fallback")
        self.assert_says(row["events"][0]["detail"], "a has failed", "Fallback=")
        self.assert_attached(d, "b")
        self.assertEqual(d.ctl("restart", "a").status, 0)
        self.assert_attached(d, "a")
        self.assert_state(d.wait_for("b", "inactive"), "inactive", "fallback", "a is attached again")
        self.assert_not_attached("b")

    def test_a_fallback_of_the_same_name_makes_room(self):
        # The commonest one: another object under the name that the machines ask for.
        d = self.limited(head=["Fallback=b"])
        d.policy("b", "tcp_aimd", object_=["Map=aimd"], head=["Enabled=no"], fields=[f"name = {native.algorithm('a')}"])
        d.start()
        self.run_into_limit(d)
        d.wait_for("b", "attached", "fallback")
        result = d.ctl("restart", "a")
        self.assertEqual(result.status, 0, result.text)
        self.assert_attached(d, "a")
        d.wait_for("b", "inactive", "fallback")

    def test_a_fallback_for_what_could_not_be_loaded(self):
        d = self.daemon()
        d.policy("a", "/nonexistent.bpf.o", head=["Fallback=b"])
        d.policy("b", head=["Enabled=no"])
        d.start()
        d.wait_for("b", "attached", "fallback")
        self.assert_attached(d, "b")

    def test_two_that_name_each_other_end(self):
        d = self.daemon()
        d.policy("a", "/nonexistent.bpf.o", head=["Fallback=b"])
        d.policy("b", "/nonexistent.bpf.o", head=["Fallback=a", "Enabled=no"])
        d.start()
        d.wait_for("b", "failed", "load-failed")
        self.assertLess(len(d.status("a")["events"]), 8)

    def test_a_fallback_that_does_not_exist_is_told(self):
        d = self.daemon()
        d.policy("a", "/nonexistent.bpf.o", head=["Fallback=nobody"])
        d.start()
        self.assertTrue(d.log_lines("Fallback=nobody: there is no such policy"), d.log())


class Helper(NativeTest):
    def start(self):
        d = self.daemon()
        d.policy("a", attach=["RestartSec=0", *FOREVER])
        d.start()
        return d

    def is_linked_again(self, d) -> bool:
        """After another process has detached it: is it the same map, or was the object loaded again?"""
        map_id = d.status("a")["map_id"]
        d.detach_and_come_back("a")
        return map_id == self.assert_attached(d, "a")["map_id"]

    def test_killed_another_takes_its_place(self):
        d = self.start()
        for number in (signal.SIGKILL, signal.SIGSEGV, signal.SIGTERM):
            helper = d.helper()
            os.kill(helper, number)
            until(lambda old=helper: d.helper() != old, "there is another helper")
            self.assertTrue(self.is_linked_again(d), "the same map, linked again")
            self.assertTrue(d.log_lines(f"the relink helper (pid {helper}) was killed by {number.name}"), d.log())

    def test_killed_while_it_is_asked_the_object_is_loaded_instead(self):
        d = self.start()
        helper = d.helper()
        os.kill(helper, signal.SIGSTOP)
        until(lambda: processes.state_of(helper) == "T", "it stands still")
        link_id = d.detach_by_another("a")
        d.wait_for("a", "loading", "link-detached")
        os.kill(helper, signal.SIGKILL)
        until(lambda: d.status("a")["link_id"] not in (None, link_id), "there is a new link")
        self.assert_attached(d, "a")

    def test_one_that_hangs_is_replaced_after_the_timeout(self):
        d = self.daemon()
        d.settings = ["WorkerTimeoutSec=1s"]
        d.policy("a", attach=["RestartSec=0", *FOREVER])
        d.start()
        helper = d.helper()
        os.kill(helper, signal.SIGSTOP)
        self.assertFalse(self.is_linked_again(d), "loaded afresh")
        until(lambda: d.helper() != helper, "there is another helper")
        self.assertTrue(self.is_linked_again(d))


if __name__ == "__main__":
    native.main()
