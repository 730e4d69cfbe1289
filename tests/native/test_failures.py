#!/usr/bin/env -S python3 -B
# SPDX-License-Identifier: LGPL-2.1-or-later
"""What the kernel and the machine refuse: the verifier, a name that is taken, descriptors, memory, room, rights."""

import os
import socket
import subprocess

import native
from native import NativeTest, algorithm, find_object, kernel, processes, until


class Verifier(NativeTest):
    def attach_refused(self):
        d = self.daemon()
        d.policy("a", "maps", object_=["Map=wild"], attach=["RestartSec=1ms"])
        d.policy("good")
        d.start()
        return d

    def test_the_last_lines_of_its_log_are_in_status_and_nothing_is_tried_again(self):
        d = self.attach_refused()
        row = d.status("a")
        self.assert_state(row, "failed", "load-failed", "wild_ssthresh", "verifier")
        self.assertIn("R", row["verifier_log"])
        self.assertLess(len(row["verifier_log"].splitlines()), 60)
        text = d.ctl("status", "a")
        self.assertEqual(text.status, 3)
        self.assert_says(text.out, "Verifier log", row["verifier_log"].splitlines()[-1].strip())
        # Another policy comes and goes: time passes for this one, too.
        for verb in ("detach", "attach"):
            self.assertEqual(d.ctl(verb, "good").status, 0)
        after = d.status("a")
        self.assertEqual((len(after["events"]), after["restarts"]), (2, 0))

    def test_with_another_object_a_reload_attaches_it(self):
        d = self.attach_refused()
        self.assertEqual(d.ctl("reload").out, "a: kept\ngood: kept\n", "nothing has changed, nothing is tried")
        d.object("values", "maps.bpf.o")
        d.policy("a", "maps")
        result = d.ctl("reload")
        self.assertEqual(result.status, 0, result.text)
        self.assertNotIn("verifier_log", self.assert_attached(d, "a"))

    def test_with_a_replaced_object_file_a_reload_tries_again_though_the_policy_is_the_same(self):
        d = self.daemon()
        d.object("no-maps", "x.bpf.o")
        d.policy("a", "x")
        d.start()
        self.assert_state(d.status("a"), "failed", "load-failed")
        d.object("values", "x.bpf.o")
        self.assertEqual(d.ctl("reload").status, 0)
        self.assert_attached(d, "a")


class NameTaken(NativeTest):
    ATTACH = ("RestartSec=20ms", "RestartMaxDelaySec=20ms", "StartLimitBurst=3", "StartLimitIntervalSec=1min")

    def register(self, **names: str) -> None:
        """The maps of holder.bpf.o under other names, by bpftool, as an administrator does without structopsd."""
        content = find_object("holder").read_bytes()
        for built, name in names.items():
            field = f"t_{built}".encode().ljust(16, b"\0")
            self.assertEqual(content.count(field), 1)
            content = content.replace(field, name.encode().ljust(16, b"\0"))
        path = self.scratch / "registered.bpf.o"
        path.write_bytes(content)
        bpffs = self.scratch / "bpffs"
        bpffs.mkdir()
        subprocess.run(["mount", "-t", "bpf", "bpf", bpffs], check=True)
        self.addCleanup(subprocess.run, ["umount", bpffs], check=True)
        self.pins = bpffs / "links"
        self.pins.mkdir()
        subprocess.run(["bpftool", "struct_ops", "register", path, self.pins], capture_output=True, check=True)
        self.addCleanup(self.unregister, names["plain"])
        self.assertLessEqual(set(names.values()), kernel.algorithms())

    def unregister(self, name: str) -> None:
        """What has no link stays until it is told to go."""
        for map_id, data in kernel.struct_ops().items():
            if data["name"] == name:
                command = ["bpftool", "struct_ops", "unregister", "id", str(map_id)]
                subprocess.run(command, capture_output=True, check=True)

    def check_taken(self, d, name: str, *parts: str) -> None:
        row = d.wait_for(name, "failed")
        self.assert_state(row, "failed", "limit-hit", algorithm(name), "is taken", "name = … in [Fields]", *parts)
        waiting = [e for e in row["events"] if e["to"] == "waiting"]
        self.assertEqual([e["reason"] for e in waiting], ["attach-failed"] * 2)
        self.assertEqual(row["restarts"], 2)

    def test_by_bpftool_it_waits_then_fails_with_a_hint_who_has_it(self):
        self.register(linked=algorithm("a"), plain=algorithm("b"))
        d = self.daemon()
        d.policy("a", attach=self.ATTACH)
        d.policy("b", attach=self.ATTACH)
        d.policy("good")
        d.start()
        self.check_taken(d, "a", "struct_ops link", '(map "linked")', f"pin {self.pins}/linked")
        self.check_taken(d, "b", "struct_ops map", '("plain")', "bpftool struct_ops unregister id")
        self.assert_attached(d, "good")
        # The holders go; one who says "restart" gets it.
        (self.pins / "linked").unlink()
        self.unregister(algorithm("b"))
        until(lambda: not {algorithm("a"), algorithm("b")} & kernel.algorithms(), "both names are free")
        self.assertEqual(d.ctl("restart", "a", "b").status, 0)
        self.assert_attached(d, "a")
        self.assert_attached(d, "b")

    def test_by_another_policy(self):
        d = self.daemon()
        d.policy("a")
        d.start()
        d.policy("b", fields=[f"name = {algorithm('a')}"], attach=self.ATTACH)
        result = d.ctl("reload")
        self.assertEqual(result.status, 1, result.text)
        row = d.wait_for("b", "failed")
        self.assert_state(row, "failed", "limit-hit", algorithm("a"), f"structopsd[{d.pid}]")
        self.assert_attached(d, "a")

    def test_when_it_becomes_free_while_it_waits_it_is_attached(self):
        d = self.daemon()
        d.policy("a")
        d.start()
        d.policy("b", fields=[f"name = {algorithm('a')}"], attach=["RestartSec=50ms", "StartLimitBurst=0"])
        d.ctl("reload")
        d.wait_for("b", "waiting", "attach-failed")
        self.assertEqual(d.ctl("detach", "a").status, 0)
        d.wait_for("b", "attached")
        self.assert_attached(d, "b")


class NoDescriptors(NativeTest):
    N = 40

    def test_those_that_got_one_stay_attached_and_the_others_say_why(self):
        d = self.daemon()
        for i in range(self.N):
            d.policy(f"p{i:02}", attach=["StartLimitBurst=2", "RestartSec=1ms"])
        limit = 60
        d.launch(before=["prlimit", f"--nofile={limit}:{limit}"])
        rows = until(lambda: self.all_ended(d), "each policy is attached or has failed")
        attached = [n for n, r in rows.items() if r["state"] == "attached"]
        failed = [r for r in rows.values() if r["state"] == "failed"]
        self.assertGreater(len(attached), 10)
        self.assertGreater(len(failed), 5)
        for row in failed:
            self.assert_says(row["detail"], "descriptors", "LimitNOFILE=")
        for name in attached[:3]:
            self.assert_attached(d, name)
        # It still does its work for those that it has.
        d.detach_and_come_back(attached[0])
        self.assertLess(d.log().count("turned a client away"), 3)
        # With room again, a restart is all it takes.
        self.assertEqual(d.ctl("detach", *attached[1:]).status, 0)
        self.assertEqual(d.ctl("restart", failed[0]["name"]).status, 0)

    def all_ended(self, d):
        d.assert_running()
        rows = d.try_list()
        return rows if rows and all(r["state"] in ("attached", "failed") for r in rows.values()) else None


@native.unless_sanitized("AddressSanitizer needs more address space than it may have here")
class NoMemory(NativeTest):
    def test_a_load_without_memory_is_tried_again_later(self):
        d = self.daemon()
        d.policy("good")
        d.start()
        size = processes.memory_kib(d.pid, "VmSize") * 1024
        d.policy("a", attach=["RestartSec=50ms", "StartLimitBurst=0"])
        subprocess.run(["prlimit", "--pid", str(d.pid), f"--as={size + (1 << 20)}:unlimited"], check=True)
        d.ctl("reload", "--no-wait")
        row = d.wait_for("a", "waiting")
        self.assert_says(row["detail"], "memory")
        self.assert_attached(d, "good")
        subprocess.run(["prlimit", "--pid", str(d.pid), "--as=unlimited:unlimited"], check=True)
        d.wait_for("a", "attached")


class Start(NativeTest):
    """What keeps a second daemon, or a first one, from starting: exit 1, one clear line, and nothing touched."""

    def refused(self, d, *parts, **options):
        d.launch(**options)
        self.assertEqual(d.wait(), 1, d.log())
        self.assert_says(d.log(), *parts)
        self.assertLessEqual(len(d.log().splitlines()), 2, d.log())

    def test_second_instance(self):
        one, two = self.daemon(), self.daemon()
        one.policy("a")
        one.start()
        two.policy("b")
        two.run = one.run
        self.refused(two, str(one.run), f"another structopsd (pid {one.pid})", "--runtime-dir")
        self.assert_attached(one, "a")
        self.assert_not_attached("b")

    def test_it_starts_where_a_killed_one_left_its_lock_and_socket(self):
        one, two = self.daemon(), self.daemon()
        one.settings = ["KeepLinks=no"]
        one.policy("a")
        one.start()
        one.signal(9)
        one.wait()
        self.assertTrue(one.socket.exists())
        two.run = one.run
        two.policy("b")
        two.start()
        self.assert_attached(two, "b")

    def test_socket_path_too_long(self):
        d = self.daemon()
        d.policy("a")
        d.run = d.folder / ("long" * 30)
        self.refused(d, str(d.run), "characters", "107", "--runtime-dir")
        self.assert_not_attached("a")

    def in_tmpfs(self, options):
        """The words that start something with a tmpfs in its runtime folder, which nobody else sees."""
        script = f'mount -t tmpfs -o {options} tmpfs "$1" && shift && exec "$@"'
        return ["unshare", "--mount", "--propagation=private", "sh", "-c", script, "sh"]

    def test_no_inode_left(self):
        d = self.daemon()
        d.run.mkdir()
        self.refused(d, f"{d.run}/lock", "No space left", before=[*self.in_tmpfs("nr_inodes=1,mode=755"), d.run])

    def test_read_only(self):
        d = self.daemon()
        d.run.mkdir()
        self.refused(d, f"{d.run}/lock", "Read-only file system", before=[*self.in_tmpfs("ro,mode=755"), d.run])

    def test_disk_full(self):
        d = self.daemon()
        d.run.mkdir()
        before = self.in_tmpfs("size=4k,mode=755")
        before[5] = before[5].replace("&& shift", '&& (head -c 8192 /dev/zero >"$1"/full || true) 2>/dev/null && shift')
        self.refused(d, f"{d.run}/lock", "No space left", before=[*before, d.run])

    def test_runtime_folder_of_others(self):
        d = self.daemon()
        d.run.mkdir()
        os.chown(d.run, 65534, 0)
        self.refused(d, str(d.run), "must belong to uid 0", "65534")

    def test_runtime_folder_that_others_may_write(self):
        d = self.daemon()
        d.run.mkdir()
        d.run.chmod(0o777)
        self.refused(d, str(d.run), "writable by nobody else", "0777")

    def test_runtime_folder_without_a_parent(self):
        d = self.daemon()
        d.run = d.folder / "no" / "such"
        self.refused(d, str(d.run), "cannot make the runtime directory", "No such file")

    def test_something_else_stands_where_the_socket_goes(self):
        d = self.daemon()
        (d.run / "bus" / "full").mkdir(parents=True)
        self.refused(d, str(d.socket), "cannot remove")

    def test_bad_settings_are_told_with_their_line(self):
        d = self.daemon()
        d.settings = ["LogLevel=loud"]
        self.refused(d, f"{d.config}:2: [Daemon] LogLevel", "loud")
        for line in ("Workers=3", "KeepLinks=perhaps", "WorkerTimeoutSec=soon"):
            with self.subTest(line):
                other = self.daemon()
                other.settings = [line]
                self.refused(other, f"{other.config}:2: [Daemon] {line.split('=')[0]}")

    def test_an_unknown_group(self):
        d = self.daemon()
        d.settings = ["ViewGroup=no-such-group"]
        self.refused(d, "ViewGroup=no-such-group", "no such group")

    def test_bad_options(self):
        for words in (["--log-level", "loud"], ["--policy-path", "relative"], ["extra"], ["--no-such-option"]):
            with self.subTest(words):
                d = self.daemon()
                d.launch(more=words)
                self.assertIn(d.wait(), (1, 2))
                self.assert_says(d.log(), words[-1])

    def test_without_root(self):
        # An ordinary user's daemon starts, in a folder of his own, and says what it may not.
        d = self.daemon()
        d.folder.chmod(0o755)
        d.policy("a")
        d.run.mkdir()
        os.chown(d.run, 65534, 65534)
        d.launch(before=["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"])
        until(lambda: d.process.poll() is not None or d.log_lines("failed"), "it says something")
        self.assertRegex(d.log(), "CAP_BPF|not permitted")


class SocketOfAnother(NativeTest):
    def test_a_socket_that_nobody_listens_on_is_no_hindrance(self):
        d = self.daemon()
        d.run.mkdir()
        with socket.socket(socket.AF_UNIX) as s:
            s.bind(str(d.socket))
        d.policy("a")
        d.start()
        self.assert_attached(d, "a")


if __name__ == "__main__":
    native.main()
