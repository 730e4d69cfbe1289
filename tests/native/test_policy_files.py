#!/usr/bin/env -S python3 -B
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Policy files: what is wrong is told with file and line and keeps nobody else off; where they are looked for."""

import native
from native import NativeTest, algorithm

OBJECT = "[Object]\nPath=values.bpf.o\n"

# File content, the line that is named (None: the file as a whole), what the message must have.
BAD_FILES = {
    "section": (OBJECT + "[Objekt]\nPath=x\n", 3, ["[Objekt]", "Object"]),
    "key": (OBJECT + "Pfad=x\n", 3, ["[Object] Pfad", "Path"]),
    "twice": (OBJECT + "[Object]\nPath=other.bpf.o\n", 4, ["Path"]),
    "nosect": ("Path=values.bpf.o\n", 1, ["section"]),
    "long": (OBJECT + "[Fields]\nname = " + "x" * 5000 + "\n", 4, ["4096"]),
    "nul": (OBJECT.encode() + b"[Fields]\nname = a\0b\n", 4, ["NUL"]),
    "latin1": (OBJECT.encode() + b"[Policy]\nDescription=gr\xfcn\n", 4, ["UTF-8"]),
    "empty": ("# nothing\n", 1, ["[Object] Path"]),
    "nopath": ("[Policy]\nDescription=no object\n", None, ["Path"]),
    "bool": (OBJECT + "[Policy]\nEnabled=perhaps\n", 4, ["[Policy] Enabled", "yes"]),
    "time": (OBJECT + "[Attach]\nRestartSec=3 parsecs\n", 4, ["[Attach] RestartSec"]),
    "mode": (OBJECT + "[Attach]\nRestart=sometimes\n", 4, ["[Attach] Restart", "on-detach"]),
    "digest": (OBJECT + "SHA256=abc\n", 3, ["[Object] SHA256", "64"]),
    "path": (OBJECT + "[Fields]\nlimits.max[two] = 1\n", 4, ["limits.max[two]"]),
}


class BadFiles(NativeTest):
    def test_each_is_invalid_with_file_and_line_and_the_others_are_attached(self):
        d = self.daemon()
        d.policy("good")
        paths = {name: d.raw(f"{name}.policy", content) for name, (content, _, _) in BAD_FILES.items()}
        d.start()
        self.assert_attached(d, "good")
        rows = d.list()
        for name, (_, line, parts) in BAD_FILES.items():
            with self.subTest(name):
                place = f"{paths[name]}:{line}: " if line else str(paths[name])
                self.assert_state(rows[name], "invalid", "boot", place, *parts)
                self.assertIn(place, d.log())
                self.assertEqual(d.ctl("status", name).status, 3)

    def test_a_bad_name_is_told_and_nothing_else_suffers(self):
        d = self.daemon()
        d.policy("good")
        d.raw("bad name.policy", OBJECT)
        d.raw("x" * 65 + ".policy", OBJECT)
        d.start()
        self.assertEqual(list(d.list()), ["good"])
        self.assertTrue(d.log_lines("bad name.policy"), d.log())
        self.assertTrue(d.log_lines("x" * 65), d.log())

    def test_a_drop_in_that_is_wrong_is_named_not_the_policy(self):
        d = self.daemon()
        d.policy("a")
        drop_in = d.raw("a.policy.d/50-x.conf", "[Attach]\n\nRestarts=no\n")
        d.start()
        self.assert_state(d.status("a"), "invalid", "boot", f"{drop_in}:3: ", "[Attach] Restarts", "Restart")

    def test_attach_and_restart_of_an_invalid_one_say_why_not(self):
        d = self.daemon()
        path = d.raw("bad.policy", OBJECT + "Pfad=x\n")
        d.start()
        for verb in ("attach", "restart"):
            with self.subTest(verb):
                result = d.ctl(verb, "bad")
                self.assertEqual(result.status, 1, result.text)
                self.assertIn(f"{path}:3", result.err)
        self.assertEqual(d.status("bad")["state"], "invalid")

    def test_an_unreadable_folder_of_policies_is_told(self):
        d = self.daemon()
        d.policies.rmdir()
        d.policies.symlink_to(d.folder / "loop")
        (d.folder / "loop").symlink_to(d.policies)
        d.launch()
        native.until(lambda: d.process.poll() is not None or d.try_list() is not None, "it starts or says why not")
        self.assertTrue(d.log_lines(str(d.policies)), d.log())


class SearchPath(NativeTest):
    def setUp(self):
        super().setUp()
        self.d = self.daemon()
        self.etc, self.usr = self.scratch / "etc", self.scratch / "usr"
        for folder in (self.etc, self.usr):
            folder.mkdir()

    def write(self, folder, name, text):
        path = folder / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(text, encoding="utf-8")
        return path

    def policy_text(self, name, description):
        return f"[Policy]\nDescription={description}\n{OBJECT}[Fields]\nname = {algorithm(name)}\n"

    def start(self):
        self.d.object("values")
        self.d.start(more=["--policy-path", f"{self.etc}:{self.usr}"])

    def test_the_first_folder_wins(self):
        self.write(self.usr, "a.policy", self.policy_text("a", "vendor"))
        self.write(self.etc, "a.policy", self.policy_text("a", "own"))
        self.write(self.usr, "b.policy", self.policy_text("b", "vendor"))
        self.start()
        rows = self.d.list()
        self.assertEqual({n: r["description"] for n, r in rows.items()}, {"a": "own", "b": "vendor"})
        self.assert_attached(self.d, "a")
        self.assert_attached(self.d, "b")

    def test_a_link_to_dev_null_masks(self):
        self.write(self.usr, "a.policy", self.policy_text("a", "vendor"))
        (self.etc / "a.policy").symlink_to("/dev/null")
        self.start()
        self.assertEqual(self.d.list(), {})
        self.assert_not_attached("a")

    def test_drop_ins_of_all_folders_are_merged_by_their_names(self):
        self.write(self.usr, "a.policy", self.policy_text("a", "vendor"))
        self.write(self.usr, "a.policy.d/90-late.conf", "[Globals]\ng_u32 = 90\ng_u16 = 90\n")
        self.write(self.etc, "a.policy.d/10-early.conf", "[Globals]\ng_u32 = 10\ng_u8 = 10\n")
        self.write(self.usr, "a.policy.d/50-same.conf", "[Globals]\ng_u64 = 50\n")
        self.write(self.etc, "a.policy.d/50-same.conf", "[Globals]\ng_u64 = 51\n")
        self.start()
        row = self.assert_attached(self.d, "a")
        actual = {f["member"]: f["actual"] for f in row["fields"]}
        self.assertEqual(actual["Globals.g_u32"], "90", "the later file wins, wherever it is")
        self.assertEqual((actual["Globals.g_u8"], actual["Globals.g_u16"]), ("10", "90"))
        self.assertEqual(actual["Globals.g_u64"], "51", "of two files of a name the first folder's counts")
        self.assertEqual(len(row["files"]), 4, row["files"])

    def test_cat_shows_every_file_that_it_was_merged_from(self):
        files = [self.write(self.usr, "a.policy", self.policy_text("a", "vendor"))]
        files.append(self.write(self.etc, "a.policy.d/10.conf", "[Globals]\ng_u8 = 3\n"))
        self.start()
        result = self.d.json("cat", "a")
        self.assertEqual([f["path"] for f in result["files"]], [str(f) for f in files])
        self.assertEqual([f["content"] for f in result["files"]], [f.read_text() for f in files])
        text = self.d.ctl("cat", "a")
        self.assertEqual(text.status, 0)
        for f in files:
            self.assertIn(f"# {f}\n{f.read_text()}", text.out)

    def test_an_empty_assignment_resets(self):
        self.write(self.usr, "a.policy", self.policy_text("a", "vendor") + "[Globals]\ng_u32 = 9\n")
        self.write(self.etc, "a.policy.d/10.conf", "[Policy]\nDescription=\n[Globals]\ng_u32 =\n")
        self.start()
        row = self.assert_attached(self.d, "a")
        self.assertIsNone(row["description"])
        self.assertNotIn("Globals.g_u32", {f["member"] for f in row["fields"]})


if __name__ == "__main__":
    native.main()
