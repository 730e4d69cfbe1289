#!/usr/bin/env -S python3 -B
# SPDX-License-Identifier: LGPL-2.1-or-later
"""reload in all its directions: what differs is changed, what does not is left alone, what cannot be changed stays."""

import signal

import native
from native import Monitor, NativeTest, algorithm, find_object, kernel, until


class ReloadTest(NativeTest):
    def setUp(self):
        super().setUp()
        self.d = self.daemon()

    def start(self, name="a", *args, **policy):
        self.d.policy(name, *args, **policy)
        self.d.start()
        return self.assert_attached(self.d, name)

    def reload(self, status=0) -> dict[str, str]:
        """The line of each policy."""
        result = self.d.ctl("reload")
        self.assertEqual(result.status, status, result.text)
        lines = (line.split(": ", 1) for line in result.text.splitlines())
        return {name: text for name, text in lines}

    def actual(self, name="a") -> dict[str, str]:
        return {f["member"]: f["actual"] for f in self.d.status(name)["fields"]}

    def assert_same_link(self, before, name="a"):
        after = self.assert_attached(self.d, name)
        self.assertEqual(after["link_id"], before["link_id"])
        return after


class ComingAndGoing(ReloadTest):
    def test_added(self):
        before = self.start("a")
        self.d.policy("b")
        lines = self.reload()
        self.assertEqual(lines["a"], "kept")
        row = self.assert_attached(self.d, "b")
        self.assertEqual(lines["b"], f"attached (link {row['link_id']})")
        self.assertEqual(row["reason"], "reload")
        self.assertEqual(self.assert_same_link(before)["map_id"], before["map_id"])

    def test_added_but_not_enabled(self):
        self.start("a")
        self.d.policy("b", head=["Enabled=no"])
        self.assert_says(self.reload()["b"], "new", "Enabled=no")
        self.assertEqual(self.d.list()["b"]["state"], "inactive")
        self.assertFalse(self.d.list()["b"]["enabled"])

    def test_removed(self):
        self.start("a")
        path = self.d.policy("b")
        self.reload()
        path.unlink()
        self.assert_says(self.reload()["b"], "detached", "the policy is gone")
        self.assert_not_attached("b")
        self.assertEqual(list(self.d.list()), ["a"])
        self.assertEqual(self.d.ctl("status", "b").status, 4)

    def test_removed_and_added_again(self):
        self.start("a")
        path = self.d.policies / "a.policy"
        text = path.read_text()
        path.unlink()
        self.reload()
        path.write_text(text)
        self.assert_says(self.reload()["a"], "attached")
        self.assert_attached(self.d, "a")

    def test_disabled_and_enabled_again(self):
        self.start("a")
        self.d.policy("a", head=["Enabled=no"])
        self.assert_says(self.reload()["a"], "detached")
        self.assert_state(self.d.status("a"), "inactive", "reload", "Enabled=no")
        self.assert_not_attached("a")
        self.d.policy("a", head=["Enabled=yes"])
        self.assert_says(self.reload()["a"], "attached")
        self.assert_attached(self.d, "a")

    def test_what_was_attached_by_hand_is_left_alone(self):
        self.d.policy("a", head=["Enabled=no"])
        self.d.start()
        self.assertEqual(self.d.ctl("attach", "a").status, 0)
        before = self.assert_attached(self.d, "a")
        self.assertEqual(self.reload()["a"], "kept")
        self.assert_same_link(before)

    def test_what_was_detached_by_hand_is_left_alone(self):
        self.start("a")
        self.assertEqual(self.d.ctl("detach", "a").status, 0)
        self.assertEqual(self.reload()["a"], "kept")
        self.assert_not_attached("a")

    def test_masked_and_unmasked(self):
        self.start("a")
        path = self.d.policies / "a.policy"
        text = path.read_text()
        path.unlink()
        path.symlink_to("/dev/null")
        self.assert_says(self.reload()["a"], "detached")
        self.assertEqual(self.d.list(), {})
        self.assert_not_attached("a")
        path.unlink()
        path.write_text(text)
        self.reload()
        self.assert_attached(self.d, "a")

    def test_nothing_changed_nothing_done(self):
        before = self.start("a")
        with Monitor(self.d) as monitor:
            self.assertEqual(self.reload(), {"a": "kept"})
            self.d.detach_by_another("a")
            self.assertEqual(monitor.next()["reason"], "link-detached", "the reload itself was no event")
        self.assertNotEqual(self.d.settled()["a"]["link_id"], before["link_id"])


class Changed(ReloadTest):
    def test_globals_fields_and_operator_on_the_same_link(self):
        before = self.start("a", globals_=["g_u8 = 1"])
        self.d.policy("a", globals_=["g_u8 = 2"], fields=["flags = 1", "cong_avoid = other_cong_avoid"])
        self.assertEqual(self.reload()["a"], f"updated (atomic, link {before['link_id']})")
        after = self.assert_same_link(before)
        self.assertNotEqual(after["map_id"], before["map_id"])
        actual = self.actual()
        self.assertEqual((actual["Globals.g_u8"], actual["flags"]), ("2", "1"))
        self.assertEqual(actual["cong_avoid"], "other_cong_avoid")
        until(lambda: before["map_id"] not in kernel.struct_ops(), "the former map is gone")

    def test_there_is_no_moment_without_it(self):
        self.start("a", globals_=["g_u8 = 1"])
        missing = 0
        for value in range(2, 6):
            self.d.policy("a", globals_=[f"g_u8 = {value}"])
            process = native.background(self.d.client_command("reload"))
            while process.poll() is None:
                missing += algorithm("a") not in kernel.algorithms()
            self.assertEqual(process.returncode, 0)
        self.assertEqual(missing, 0)

    def test_another_name_is_swapped(self):
        before = self.start("a")
        self.d.policy("a", fields=[f"name = {algorithm('b')}"])
        self.assertRegex(self.reload()["a"], r"^swapped \(gap .*, link \d+\)$")
        after = self.assert_attached(self.d, "a")
        self.assertNotEqual(after["link_id"], before["link_id"])
        self.assert_not_attached("a")
        until(lambda: before["map_id"] not in kernel.struct_ops(), "the former map is gone")

    def test_after_an_update_it_is_still_watched_and_comes_back_changed(self):
        self.start("a", globals_=["g_u8 = 1"], attach=["RestartSec=0"])
        self.d.policy("a", globals_=["g_u8 = 2"], attach=["RestartSec=0"])
        self.reload()
        map_id = self.d.status("a")["map_id"]
        self.d.detach_and_come_back("a")
        self.assertEqual(self.assert_attached(self.d, "a")["map_id"], map_id)

    def test_another_object_file(self):
        before = self.start("a")
        digest = before["digest"]
        self.d.object("values", content=find_object("values").read_bytes() + b"\0")
        self.assertEqual(self.reload()["a"], f"updated (atomic, link {before['link_id']})")
        self.assertNotEqual(self.assert_same_link(before)["digest"], digest)

    def test_another_map_of_the_object(self):
        self.start("a", "maps", object_=["Map=first"])
        self.d.policy("a", "maps", object_=["Map=second"])
        self.reload()
        self.assertEqual(self.assert_attached(self.d, "a")["map"], "second")

    def test_settings_that_need_no_load_are_taken_over_in_place(self):
        before = self.start("a", attach=["RestartSec=1h", "RestartMaxDelaySec=2h"])
        self.d.policy("a", head=["Description=other"], attach=["RestartSec=1ms"])
        self.assertEqual(self.reload()["a"], "kept, with its new settings")
        self.assertEqual(self.assert_same_link(before)["map_id"], before["map_id"])
        self.assertEqual(self.d.status("a")["description"], "other")
        self.d.detach_and_come_back("a")

    def test_drop_in_added_and_removed(self):
        before = self.start("a", globals_=["g_u8 = 1"])
        drop_in = self.d.raw("a.policy.d/10.conf", "[Globals]\ng_u8 = 3\n")
        self.reload()
        self.assertEqual(self.actual()["Globals.g_u8"], "3")
        drop_in.unlink()
        self.reload()
        self.assertEqual(self.actual()["Globals.g_u8"], "1")
        self.assert_same_link(before)

    def test_while_it_waits_it_is_tried_at_once(self):
        self.start("a", attach=["RestartSec=1h", "RestartMaxDelaySec=2h"])
        self.d.detach_by_another("a")
        self.d.wait_for("a", "waiting")
        self.d.policy("a", globals_=["g_u8 = 9"])
        self.reload()
        self.assert_attached(self.d, "a")
        self.assertEqual(self.actual()["Globals.g_u8"], "9")

    def test_restart_loads_afresh_on_the_same_link(self):
        before = self.start("a")
        self.assertEqual(self.d.ctl("restart", "a").status, 0)
        self.assertNotEqual(self.assert_same_link(before)["map_id"], before["map_id"])
        until(lambda: before["map_id"] not in kernel.struct_ops(), "the former map is gone")

    def test_renamed(self):
        before = self.start("a")
        path = self.d.policies / "a.policy"
        path.rename(path.with_name("b.policy"))
        self.d.ctl("reload")  # the algorithm's name may be free only a moment after it was tried
        until(lambda: list(self.d.list()) == ["b"], "it has its new name alone")
        row = self.d.wait_for("b", "attached")
        self.assertNotEqual(row["link_id"], before["link_id"])
        self.assert_attached(self.d, "b")
        until(lambda: before["map_id"] not in kernel.struct_ops(), "the former map is gone")

    def test_several_at_once(self):
        for name in ("a", "b", "c"):
            self.d.policy(name)
        self.d.start()
        self.d.policy("a", globals_=["g_u8 = 2"])
        self.d.policy("b", fields=[f"name = {algorithm('b2')}"])
        (self.d.policies / "c.policy").unlink()
        self.d.policy("e")
        lines = self.reload()
        self.assertEqual(sorted(lines), ["a", "b", "c", "e"])
        self.assert_says(lines["a"], "updated")
        self.assert_says(lines["b"], "swapped")
        self.assert_says(lines["c"], "detached")
        self.assert_says(lines["e"], "attached")

    def test_reloads_one_after_the_other_end_with_the_last(self):
        self.start("a", globals_=["g_u32 = 0"])
        clients = []
        for value in range(1, 9):
            self.d.policy("a", globals_=[f"g_u32 = {value}"])
            clients.append(native.background(self.d.client_command("reload")))
        for client in clients:
            client.wait(60)
        self.d.settled()
        until(lambda: self.actual()["Globals.g_u32"] == "8", lambda: f"the last is in: {self.actual()}")
        self.assert_attached(self.d, "a")


class Refused(ReloadTest):
    def test_one_bad_file_and_nothing_changes(self):
        before = self.start("a", globals_=["g_u8 = 1"])
        self.d.policy("gone")
        self.reload()
        # A change, a new one, a removal: and two that do not parse.
        self.d.policy("a", globals_=["g_u8 = 2"])
        self.d.policy("new")
        (self.d.policies / "gone.policy").unlink()
        one = self.d.raw("bad1.policy", "[Object]\nPath=x\nPfad=x\n[Attach]\nRestart=perhaps\n")
        two = self.d.raw("bad2.policy", "Path=x\n")
        result = self.d.ctl("reload")
        self.assertEqual(result.status, 1)
        self.assert_says(result.err, f"{one}:3: [Object] Pfad", f"{one}:5: [Attach] Restart", f"{two}:1: ")
        self.assertEqual(self.assert_same_link(before)["map_id"], before["map_id"])
        self.assertEqual(sorted(self.d.list()), ["a", "gone"])
        self.assert_attached(self.d, "gone")
        self.assert_not_attached("new")
        self.assertTrue(self.d.log_lines("reload refused, nothing was changed"))
        # Mended, it all happens.
        one.unlink()
        two.unlink()
        self.assertEqual(sorted(self.reload()), ["a", "gone", "new"])
        self.assertEqual(self.actual()["Globals.g_u8"], "2")

    def test_as_json(self):
        self.start("a")
        bad = self.d.raw("bad.policy", "Path=x\n")
        result = self.d.ctl("--json", "reload")
        self.assertEqual(result.status, 1)
        answer = native.json.loads(result.out)
        self.assertEqual(answer["schema"], 1)
        self.assertFalse(any(r["done"] for r in answer["results"]))
        self.assertIn(f"{bad}:1", answer["results"][0]["detail"])

    def assert_untouched(self, before, name="a"):
        """It goes on, and nothing has even happened to it."""
        after = self.assert_same_link(before, name)
        for key in ("map_id", "state", "reason", "detail", "events", "digest"):
            self.assertEqual(after[key], before[key])

    def refused(self, *parts: str) -> dict[str, str]:
        lines = self.reload(status=1)
        for part in parts:
            self.assert_says("\n".join(f"{name}: {text}" for name, text in lines.items()), part)
        return lines

    def test_what_the_object_does_not_have_changes_nothing(self):
        before = self.start("a", globals_=["g_u8 = 1"])
        self.d.policy("b")
        self.d.policy("gone")
        self.reload()
        b = self.assert_attached(self.d, "b")
        # Two that do not fit, and four that would.
        one = self.d.policy("a", globals_=["g_u8 = 1000"])
        two = self.d.policy("c", globals_=["g_u9 = 1"])
        self.d.policy("b", globals_=["g_u8 = 2"])
        self.d.policy("new")
        self.d.policy("off", head=["Enabled=no"], globals_=["g_u9 = 1"])
        (self.d.policies / "gone.policy").unlink()
        lines = self.refused(f"a: {one}:", f"c: {two}:", "g_u8", "g_u9")
        self.assertEqual(sorted(lines), ["a", "c"])
        self.assert_untouched(before)
        self.assert_untouched(b, "b")
        self.assertEqual(sorted(self.d.list()), ["a", "b", "gone"])
        self.assert_not_attached("new")
        self.assertTrue(self.d.log_lines("reload refused, nothing was changed: c: "))
        # What runs is what it was, also after a detachment.
        self.d.detach_and_come_back("a")
        self.assertEqual(self.actual()["Globals.g_u8"], "1")
        # Mended, it all happens.
        self.d.policy("a", globals_=["g_u8 = 3"])
        two.unlink()
        lines = self.reload()
        self.assert_says(lines["a"], "updated (atomic")
        self.assert_says(lines["b"], "updated (atomic")
        self.assertEqual(sorted(lines), ["a", "b", "gone", "new", "off"])
        self.assertEqual(self.actual()["Globals.g_u8"], "3")

    def test_an_object_that_is_none_changes_nothing(self):
        before = self.start("a")
        self.d.policy("b")
        self.d.object("values", content=b"no ELF file at all")
        self.assertEqual(sorted(self.refused("values.bpf.o")), ["a", "b"])
        self.assert_untouched(before)

    def test_an_object_that_is_gone_changes_nothing(self):
        before = self.start("a")
        (self.d.objects / "values.bpf.o").unlink()
        self.refused("a: ", "values.bpf.o")
        self.assert_untouched(before)

    def test_a_new_one_without_its_object_changes_nothing(self):
        before = self.start("a")
        self.d.policy("b", "/nonexistent.bpf.o")
        self.refused("b: ", "/nonexistent.bpf.o")
        self.assert_untouched(before)
        self.assertEqual(list(self.d.list()), ["a"])

    def test_an_object_that_changes_behind_the_check(self):
        before = self.start("a", globals_=["g_u8 = 1"])
        self.d.policy("a", globals_=["g_u8 = 2"])
        with native.OpenGate(self.d.objects / "values.bpf.o") as gate:
            self.d.ctl("reload", "--no-wait")
            gate.wait()
            self.d.object("values", content=b"no ELF file at all")
            gate.let_through()  # what is checked is the former file, what is loaded then is not
            until(lambda: "former attachment stands" in self.d.status("a")["detail"], "it was tried")
        after = self.assert_same_link(before)
        self.assertEqual(after["map_id"], before["map_id"])
        self.assert_says(after["detail"], "values.bpf.o")
        self.d.detach_and_come_back("a")
        self.assertEqual(self.actual()["Globals.g_u8"], "1")

    def test_a_type_that_a_module_may_bring_is_no_error(self):
        self.start("a")
        self.d.policy("later", "maps", object_=["Map=imagined"])
        lines = self.reload(status=1)
        self.assert_says(lines["later"], "waiting")
        self.assertEqual(self.d.list()["later"]["state"], "waiting")

    def test_what_failed_and_is_as_it_was_stands_in_nobodys_way(self):
        self.d.policy("bad", "/nonexistent.bpf.o")
        self.start("a")
        self.d.policy("b")
        lines = self.reload()
        self.assertEqual((lines["bad"], lines["a"]), ("kept", "kept"))
        self.assert_attached(self.d, "b")

    def test_what_the_verifier_refuses_leaves_the_former_attachment(self):
        before = self.start("a", "maps", object_=["Map=first"])
        self.d.policy("a", "maps", object_=["Map=wild"])
        self.assert_says(self.reload(status=1)["a"], "the former attachment stands", "wild_ssthresh")
        row = self.assert_same_link(before)
        self.assertIn("verifier_log", row)
        self.assertEqual(row["map"], "first")

    def test_a_name_that_is_taken_leaves_the_former_attachment(self):
        before = self.start("a")
        self.d.policy("b")
        self.reload()
        self.d.policy("a", fields=[f"name = {algorithm('b')}"])
        said = self.reload(status=1)["a"]
        self.assert_says(said, "the former attachment stands", "policy b is in its way", algorithm("b"))
        self.assert_same_link(before)
        self.assert_attached(self.d, "b")

    def test_after_a_refused_change_it_is_still_watched(self):
        self.start("a", attach=["RestartSec=0"])
        self.d.policy("a", globals_=["g_u8 = 1000"], attach=["RestartSec=0"])
        self.reload(status=1)
        self.d.detach_and_come_back("a")
        self.assert_attached(self.d, "a")

    def test_a_new_one_that_the_verifier_refuses_does_not_touch_the_others(self):
        before = self.start("a")
        self.d.policy("b", "maps", object_=["Map=wild"])
        self.assert_says(self.reload(status=1)["b"], "failed", "wild_ssthresh")
        self.assert_same_link(before)


class BySignal(ReloadTest):
    def test_hup(self):
        self.start("a", globals_=["g_u8 = 1"])
        self.d.policy("a", globals_=["g_u8 = 2"])
        self.d.policy("b")
        self.d.signal(signal.SIGHUP)
        until(lambda: "b" in self.d.list() and self.d.list()["b"]["state"] == "attached", "the new one is attached")
        until(lambda: self.actual()["Globals.g_u8"] == "2", "the change is in")

    def test_hup_with_a_bad_file_changes_nothing_and_says_so(self):
        before = self.start("a")
        bad = self.d.raw("bad.policy", "Path=x\n")
        self.d.policy("a", globals_=["g_u8 = 2"])
        self.d.signal(signal.SIGHUP)
        until(lambda: self.d.log_lines("reload refused"), "it says so")
        self.assertIn(f"{bad}:1", self.d.log())
        self.assert_same_link(before)


class Watched(ReloadTest):
    """WatchPolicies=yes: nobody asks for it."""

    def setUp(self):
        super().setUp()
        self.d.settings = ["WatchPolicies=yes"]

    def becomes(self, value: str) -> None:
        until(lambda: self.actual().get("Globals.g_u8") == value, lambda: f"{value} is in: {self.actual()}")

    def test_what_is_written_is_brought_in(self):
        before = self.start("a", globals_=["g_u8 = 1"])
        self.d.policy("a", globals_=["g_u8 = 2"])
        self.becomes("2")
        drop_in = self.d.raw("a.policy.d/10.conf", "[Globals]\ng_u8 = 3\n")
        self.becomes("3")
        drop_in.unlink()
        self.becomes("2")
        self.assert_same_link(before)
        path = self.d.policy("b")
        until(lambda: "b" in self.d.list() and self.d.list()["b"]["state"] == "attached", "the new one is attached")
        self.assert_attached(self.d, "b")
        path.unlink()
        until(lambda: "b" not in self.d.list(), "it is gone")
        self.assert_not_attached("b")
        self.assert_same_link(before)

    def test_a_bad_file_changes_nothing_and_is_told(self):
        before = self.start("a", globals_=["g_u8 = 1"])
        bad = self.d.raw("bad.policy", "Path=x\n")
        self.d.policy("a", globals_=["g_u8 = 2"])
        until(lambda: self.d.log_lines("reload refused, nothing was changed"), "it says so")
        self.assertIn(f"{bad}:1", self.d.log())
        self.assertEqual(self.assert_same_link(before)["map_id"], before["map_id"])
        self.assertEqual(list(self.d.list()), ["a"])
        bad.unlink()
        self.becomes("2")
        self.assert_same_link(before)

    def test_a_swapped_link_as_of_a_configmap(self):
        """a.policy -> ..data/a.policy, ..data -> ..1, and then ..data is moved."""
        path = self.d.policy("a", globals_=["g_u8 = 1"])
        for n in ("1", "2"):
            (self.d.policies / f"..{n}").mkdir()
            text = path.read_text().replace("g_u8 = 1", f"g_u8 = {n}")
            (self.d.policies / f"..{n}" / "a.policy").write_text(text)
        path.unlink()
        path.symlink_to("..data/a.policy")
        (self.d.policies / "..data").symlink_to("..1")
        self.d.start()
        before = self.assert_attached(self.d, "a")
        self.assertEqual(self.actual()["Globals.g_u8"], "1")
        (self.d.policies / "..new").symlink_to("..2")
        (self.d.policies / "..new").rename(self.d.policies / "..data")
        self.becomes("2")
        self.assert_same_link(before)


if __name__ == "__main__":
    native.main()
