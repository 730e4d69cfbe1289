#!/usr/bin/env -S python3 -B
# SPDX-License-Identifier: LGPL-2.1-or-later
"""From one daemon to the next, on pins: what is attached goes on, whatever the daemon's end was.

The service manager's fd store has its tests in the VM tier; how a life full of SIGKILLs goes is in test_kills.py.
"""

import os
import signal
import subprocess
from pathlib import Path
from unittest import mock

import links
import native
from native import BPFFS, NativeTest, OpenGate, algorithm, background, kernel, until

# A mount namespace with another /sys/fs/bpf; what follows it is the daemon.
WITHOUT_BPFFS = ("unshare", "--mount", "--propagation", "private", "sh", "-c", 'umount -l /sys/fs/bpf && exec "$@"', "sh")
READ_ONLY = ("unshare", "--mount", "--propagation", "private", "sh", "-c")
READ_ONLY += ('mount --bind /sys/fs/bpf /sys/fs/bpf && mount -o remount,bind,ro /sys/fs/bpf && exec "$@"', "sh")


def bpftool(*words: str) -> None:
    subprocess.run(["bpftool", *map(str, words)], check=True, stdout=subprocess.DEVNULL)


class ContinuityTest(NativeTest):
    def setUp(self):
        super().setUp()
        self.addCleanup(self.check_no_pins)
        self.d = self.daemon()
        self.d.settings = ["KeepLinks=pin"]

    @property
    def pins(self) -> Path:
        """The folder of this daemon's pins."""
        return BPFFS / ("structopsd" + str(self.d.run).replace("/", "%2F").replace(".", "%2E"))

    def check_no_pins(self):
        left = [str(p) for p in BPFFS.glob(f"structopsd*{self.scratch.name.replace('.', '%2E')}*/*")]
        self.assertEqual(left, [])

    def start(self, *names: str, **policy) -> dict[str, dict]:
        for name in names:
            self.d.policy(name, **policy)
        self.d.start()
        return {name: self.assert_attached(self.d, name) for name in names}

    def end_with(self, number: int) -> None:
        self.d.signal(number)
        self.assertEqual(self.d.wait(), 0 if number == signal.SIGUSR1 else -number)

    def again(self, number: int = signal.SIGKILL, meanwhile=None, **options) -> None:
        """The next daemon."""
        self.end_with(number)
        if meanwhile:
            meanwhile()
        self.d.start(**options)

    def assert_same(self, before: dict, reason: str = "adopted") -> dict:
        row = self.assert_attached(self.d, before["name"])
        self.assertEqual((row["link_id"], row["reason"]), (before["link_id"], reason), row["detail"])
        return row


class GoesOn(ContinuityTest):
    def test_whatever_its_end_was(self):
        before = self.start("a", "b", "c")
        self.assertEqual(before["a"]["kept"], f"pins in {self.pins}/a")
        self.d.detach_and_come_back("b")
        before["b"] = self.assert_attached(self.d, "b")
        with links.Watcher([row["link_id"] for row in before.values()]) as watcher:
            for number in (signal.SIGUSR1, signal.SIGKILL, signal.SIGUSR1, signal.SIGKILL):
                self.again(number)
                for row in before.values():
                    after = self.assert_same(row)
                    for key in ("map_id", "kept", "attached_usec", "restarts", "fields", "programs", "digest", "object"):
                        self.assertEqual(after[key], row[key], key)
            self.assertEqual(watcher.end(), [])
        self.d.detach_and_come_back("a")
        self.assertEqual(self.assert_attached(self.d, "a")["map_id"], before["a"]["map_id"], "the map was linked again")

    def test_on_pins_by_default(self):
        """KeepLinks=auto, where no service manager offers an fd store."""
        self.d.settings = []
        before = self.start("a")["a"]
        self.assertEqual(before["kept"], f"pins in {self.pins}/a")
        self.again()
        self.assert_same(before)

    def test_its_folder_is_written_in_another_way(self):
        before = self.start("a")["a"]
        link = self.scratch / "run"
        link.symlink_to(self.d.run)
        words = [str(link) if word == str(self.d.run) else word for word in self.d.command()]
        with mock.patch.object(self.d, "command", return_value=words):
            self.again()
        self.assertEqual(self.assert_same(before)["kept"], before["kept"])
        self.assert_stop_leaves_nothing()

    def test_with_no_daemon_it_can_be_used(self):
        self.start("a")
        self.end_with(signal.SIGKILL)
        self.assertIn(algorithm("a"), kernel.algorithms())
        self.d.start()
        self.assert_attached(self.d, "a")

    def test_numbers_of_events_go_on(self):
        self.start("a")
        last = self.d.status("a")["events"][-1]["seq"]
        self.again()
        self.assertGreater(self.d.status("a")["events"][0]["seq"], last)

    def test_detached_by_hand_stays_off(self):
        self.start("a", "b")
        self.assertEqual(self.d.ctl("detach", "a").status, 0)
        self.again()
        self.assert_not_attached("a")
        self.assert_state(self.d.status("a"), "inactive", "admin", "it was off")
        self.assert_attached(self.d, "b")

    def assert_stop_leaves_nothing(self, stop=True):
        if stop:
            self.assertTrue((self.pins / "a" / "link").exists())
            self.assertEqual(self.d.stop(), 0)
        self.assertFalse(self.pins.exists())
        self.assertEqual(list((self.d.run / "state").iterdir()), [])
        until(lambda: not kernel.left_by(native.PREFIX), "nothing is attached")

    def test_stop_leaves_nothing(self):
        self.start("a", "b")
        self.assert_stop_leaves_nothing()

    def test_stop_after_an_adoption_leaves_nothing(self):
        self.start("a", "b")
        self.again()
        self.assert_stop_leaves_nothing()

    def test_stop_asked_twice_leaves_nothing(self):
        """Somebody is in a hurry: the second signal comes in the middle of the detachments, and ends the daemon at once."""
        names = [f"p{i}" for i in range(30)]
        self.d.settings.append("WorkersMax=1")
        self.start(*names)
        self.d.signal(signal.SIGTERM)
        until(lambda: self.d.log_lines("detaching → inactive"), "one is off")
        self.d.signal(signal.SIGINT)
        self.assertEqual(self.d.wait(), 0)
        self.assertTrue(self.d.log_lines("asked twice to stop"))
        self.assertLess(len(self.d.log_lines("detaching → inactive")), len(names))
        self.assert_stop_leaves_nothing(stop=False)

    def update_interrupted_by(self, number: int) -> int:
        """In the middle of an update, when the new object is being opened; the exit status of who asked for it."""
        with OpenGate(self.d.objects / "values.bpf.o") as gate:
            command = self.d.client_command("restart", "a")
            client = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            gate.wait()
            self.assertEqual(self.d.list()["a"]["state"], "updating")
            self.d.signal(number)
            until(lambda: self.d.log_lines("SIG"), "the daemon has seen the signal")
        self.assertEqual(self.d.wait(), 0)
        return client.wait()

    def test_stop_in_the_middle_of_an_update(self):
        self.start("a", "b")
        self.assertEqual(self.update_interrupted_by(signal.SIGTERM), 1)
        self.assert_stop_leaves_nothing(stop=False)

    def test_left_in_the_middle_of_an_update(self):
        before = self.start("a", "b")
        with links.Watcher([row["link_id"] for row in before.values()]) as watcher:
            self.update_interrupted_by(signal.SIGUSR1)
            self.d.start()
            for row in before.values():
                self.assert_same(row)
            self.assertEqual(watcher.end(), [])


class ChangedMeanwhile(ContinuityTest):
    def test_policy(self):
        before = self.start("a", "b", fields=["flags = 1"])
        with links.Watcher([before["a"]["link_id"], before["b"]["link_id"]]) as watcher:
            self.again(meanwhile=lambda: self.d.policy("a", fields=["flags = 2"]))
            after = self.assert_same(before["a"], "reload")
            self.assertNotEqual(after["map_id"], before["a"]["map_id"])
            self.assertEqual(kernel.struct_ops()[after["map_id"]]["flags"], 2)
            self.assert_same(before["b"])
            self.again()
            self.assert_same(after)
            self.assertEqual(watcher.end(), [])

    def test_object(self):
        before = self.start("a")["a"]
        content = native.find_object("values").read_bytes() + b"\0"
        self.again(meanwhile=lambda: self.d.object("values", content=content))
        self.assertNotEqual(self.assert_same(before, "reload")["digest"], before["digest"])

    def test_object_is_gone(self):
        before = self.start("a")["a"]
        self.again(meanwhile=(self.d.objects / "values.bpf.o").unlink)
        self.assert_says(self.assert_same(before)["detail"], "object file is gone")

    def test_renamed(self):
        before = self.start("a")["a"]
        path = self.d.policies / "a.policy"
        self.again(meanwhile=lambda: path.rename(path.with_name("b.policy")))
        row = self.d.settled()["b"]
        if row["state"] != "attached":  # the name is free when the former one is off
            row = self.d.wait_for("b", "attached")
        self.assertNotEqual(row["link_id"], before["link_id"])
        self.assertEqual(list(self.d.list()), ["b"])
        self.assertFalse((self.pins / "a").exists())

    def test_disabled(self):
        self.start("a")
        self.again(meanwhile=lambda: self.d.policy("a", head=["Enabled=no"]))
        self.assert_state(self.d.status("a"), "inactive", "reload", "Enabled=no")
        self.assert_not_attached("a")

    def test_does_not_parse(self):
        before = self.start("a")["a"]
        self.again(meanwhile=lambda: self.d.raw("a.policy", "[Object]\nPaht=x\n"))
        self.assert_says(self.assert_same(before)["detail"], "does not parse")

    def test_detached_by_another(self):
        before = self.start("a", attach=["RestartSec=0"])["a"]
        self.again(meanwhile=lambda: links.detach(before["link_id"]))
        row = self.d.wait_for("a", "attached")
        self.assert_state(row, "attached", "link-detached")
        self.assertEqual((row["restarts"], row["map_id"]), (1, before["map_id"]))
        self.assert_attached(self.d, "a")


class TcpDefault(ContinuityTest):
    """Default=yes, in a network namespace of the test's own: what was the default before is never forgotten."""

    def setUp(self):
        super().setUp()
        keeper = background(["unshare", "--net", "sleep", "infinity"])
        self.addCleanup(keeper.wait)
        self.addCleanup(keeper.kill)
        namespace = f"/proc/{keeper.pid}/ns/net"
        until(lambda: os.readlink(namespace) != os.readlink("/proc/self/ns/net"), "there is another namespace")
        self.there = ("nsenter", f"--net={namespace}")
        self.former = self.default()
        self.d.policy("a", fields=["flags |= 1"])
        self.path = self.d.policies / "a.policy"
        self.path.write_text(self.path.read_text(encoding="utf-8") + "[Tcp]\nDefault=yes\n", encoding="utf-8")

    def default(self) -> str:
        words = [*self.there, "cat", "/proc/sys/net/ipv4/tcp_congestion_control"]
        return subprocess.run(words, check=True, capture_output=True, text=True).stdout.strip()

    def start_there(self) -> dict:
        self.d.start(before=self.there)
        self.assertEqual(self.default(), algorithm("a"))
        return self.assert_attached(self.d, "a")

    def test_given_back_by_the_next_daemon(self):
        before = self.start_there()
        self.again(before=self.there)
        self.assert_same(before)
        self.assertEqual(self.default(), algorithm("a"))
        self.assertEqual(self.d.ctl("detach", "a").status, 0)
        self.assertEqual(self.default(), self.former)

    def test_given_back_when_the_policy_is_gone(self):
        self.start_there()
        self.again(meanwhile=self.path.unlink, before=self.there)
        self.assertEqual(self.d.list(), {})
        self.assertEqual(self.default(), self.former)

    def test_given_back_though_it_ended_with_the_daemon(self):
        self.d.settings = ["KeepLinks=no"]
        self.start_there()
        self.again(before=self.there)
        self.assertEqual(self.default(), algorithm("a"))
        self.assertEqual(self.d.stop(), 0)
        self.assertEqual(self.default(), self.former)


class BadInput(ContinuityTest):
    def test_pins_that_became_something_else(self):
        before = self.start("a", "b", "c")
        program = before["a"]["programs"][0]["id"]

        def spoil():
            for name in ("a", "b"):
                (self.pins / name / "link").unlink()
            (self.pins / "c" / "map").unlink()
            bpftool("prog", "pin", "id", program, self.pins / "a" / "link")
            bpftool("map", "pin", "id", before["c"]["map_id"], self.pins / "b" / "link")
            bpftool("prog", "pin", "id", program, self.pins / "c" / "map")
            (self.pins / "nobody").mkdir()
            bpftool("prog", "pin", "id", program, self.pins / "nobody" / "link")
            (self.pins / "Not%2ours").mkdir()

        self.again(meanwhile=spoil)
        for name in ("a", "b"):
            self.d.wait_for(name, "attached")
            self.assertNotEqual(self.assert_attached(self.d, name)["link_id"], before[name]["link_id"])
        self.assert_same(before["c"])
        self.assertFalse((self.pins / "nobody").exists())
        self.assertTrue(self.d.log_lines("nobody: dropped: there is no policy of this name"))
        self.assertTrue(self.d.log_lines("Not%2ours: this is none of our pins, it is left alone"))
        # And mended for the next one.
        rows = {name: self.assert_attached(self.d, name) for name in before}
        self.again()
        for row in rows.values():
            self.assert_same(row)
        (self.pins / "Not%2ours").rmdir()

    def test_the_link_of_another_policy_under_its_name(self):
        before = self.start("a", "b")

        def swap():
            (self.pins / "a" / "link").unlink()
            bpftool("link", "pin", "id", before["b"]["link_id"], self.pins / "a" / "link")

        self.again(meanwhile=swap)
        self.assert_same(before["b"])
        self.assertNotEqual(self.assert_attached(self.d, "a")["link_id"], before["a"]["link_id"])

    def test_state_files(self):
        """Damaged, of a newer version, of another boot, gone: it goes on, loaded anew on the same link."""
        before = self.start("a", "b", "c", "d")

        def spoil():
            for name, at, byte in (("a", 100, 0xEE), ("b", 4, 99), ("c", 12, 0xEE)):
                path = self.d.run / "state" / f"{name}.state"
                content = bytearray(path.read_bytes())
                content[at] ^= byte
                path.write_bytes(content)
            (self.d.run / "state" / "d.state").unlink()

        with links.Watcher([row["link_id"] for row in before.values()]) as watcher:
            self.again(meanwhile=spoil)
            for row in before.values():
                self.assertNotEqual(self.assert_same(row, "reload")["map_id"], row["map_id"])
            self.assertEqual(watcher.end(), [])
        self.assertTrue(self.d.log_lines("a.state is damaged"))
        self.assertTrue(self.d.log_lines("b.state was written by a newer structopsd"))

    def without_pins(self, before, *parts: str):
        """It runs all the same, and says that it is kept by nothing."""
        self.d.policy("a")
        self.d.start(before=before)
        self.assertEqual(self.assert_attached(self.d, "a")["kept"], "not kept")
        lines = until(lambda: self.d.log_lines("cannot be kept over the end of the daemon"), "it says so")
        self.assertEqual(len(lines), 1, lines)
        self.assert_says(lines[0], *parts)
        self.end_with(signal.SIGUSR1)
        until(lambda: algorithm("a") not in kernel.algorithms(), "it ended with the daemon")
        self.d.start(before=before)
        self.assert_attached(self.d, "a")

    def test_no_bpffs(self):
        self.without_pins(WITHOUT_BPFFS, "this is no BPF file system", "mount -t bpf")

    def test_bpffs_is_read_only(self):
        self.without_pins(READ_ONLY, "Read-only file system")

    def test_bpffs_becomes_read_only(self):
        """What was pinned can be adopted, and is kept; what is new is not."""
        before = self.start("a")["a"]
        self.again(meanwhile=lambda: self.d.policy("b"), before=READ_ONLY)
        self.assert_same(before)
        self.assert_attached(self.d, "b")
        self.again()
        self.assert_same(before)
        self.assert_attached(self.d, "b")

    def test_another_daemon_on_the_same_folder(self):
        before = self.start("a")["a"]
        second = subprocess.run(self.d.command(), capture_output=True, text=True, check=False)
        self.assertEqual(second.returncode, 1)
        self.assert_says(second.stderr, f"another structopsd (pid {self.d.pid}) uses this runtime directory")
        self.assertEqual(self.assert_attached(self.d, "a")["link_id"], before["link_id"])

    def test_several_at_once_on_the_same_folder(self):
        self.d.policy("a")
        self.d.start()
        self.end_with(signal.SIGKILL)
        racers = [subprocess.Popen(self.d.command(), stderr=subprocess.DEVNULL) for _ in range(6)]
        running = until(
            lambda: (left := [r for r in racers if r.poll() is None]) and len(left) == 1 and left, "only one goes on"
        )
        self.d.process = running[0]
        self.d.settled()
        self.assert_attached(self.d, "a")


if __name__ == "__main__":
    native.main()
