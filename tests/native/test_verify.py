#!/usr/bin/env -S python3 -B
# SPDX-License-Identifier: LGPL-2.1-or-later
"""verify, log and inspect --policy: the real client, the running kernel's BTF, and for --load its verifier."""

import json
import os
import random
import signal
import subprocess
from pathlib import Path

import native
from native import NativeTest, algorithm, find_object, kernel

CORPUS = Path(__file__).parent.parent / "fuzz" / "corpus-object"


class Verify(NativeTest):
    """A folder of policies; no daemon runs."""

    def setUp(self):
        super().setUp()
        self.policies = self.scratch / "policies.d"
        self.policies.mkdir()
        self.scratch.chmod(0o755)

    def write(self, name: str, *lines: str) -> str:
        path = self.policies / name
        path.parent.mkdir(exist_ok=True)
        path.write_text("\n".join(lines) + "\n")
        return str(path)

    def good(self, name: str, object_: str = "values", *more: str) -> str:
        path = find_object(object_)
        return self.write(f"{name}.policy", "[Object]", f"Path={path}", *more)

    def run_client(self, *words: str, before=(), **options) -> subprocess.CompletedProcess:
        command = [*before, os.environ["STRUCTOPSCTL"], *words]
        return subprocess.run(command, capture_output=True, text=True, timeout=60, **options)

    def verify(self, *words: str, before=()) -> subprocess.CompletedProcess:
        return self.run_client("verify", "--policy-path", str(self.policies), *words, before=before)

    def rows(self, *words: str) -> dict[str, dict]:
        result = self.verify("--json", *words)
        answer = json.loads(result.stdout)
        self.assertEqual(answer["schema"], 1)
        self.assertEqual(answer["ok"], result.returncode == 0, result)
        return {p["policy"]: p for p in answer["policies"]}

    def test_all_problems_of_all_policies_at_once_with_file_and_line(self):
        self.good("good", "values", "[Fields]", f"name={algorithm('g')}")
        bad = self.good("bad", "values", "[Fields]", "flgs=1", "flags=x", "[Globals]", "g_u8=256")
        dropin = self.write("bad.policy.d/10.conf", "[Fields]", "flags |= 99999999999")
        unparsed = self.write("unparsed.policy", "[Objec]", "Path=x", "y")
        rows = self.rows()
        self.assertEqual((rows["good"]["ok"], rows["good"]["problems"]), (True, []))
        self.assertEqual(
            [(p["file"], p["line"]) for p in rows["bad"]["problems"]], [(bad, 4), (bad, 5), (dropin, 2), (bad, 7)]
        )
        self.assertIn("did you mean flags", rows["bad"]["problems"][0]["sentence"])
        self.assertEqual([p["line"] for p in rows["unparsed"]["problems"]], [1, 3, 1])
        text = self.verify()
        self.assertEqual(text.returncode, 1)
        self.assert_says(text.stdout, "good: ok", "bad: 4 problems", f"{dropin}:2: [Fields] flags: ", f"{unparsed}:3: ")
        self.assert_says(text.stdout, "3 policies checked, 2 with problems", "--load")

    def test_names_and_files(self):
        path = self.good("good")
        self.good("other", "maps")
        self.assertEqual(list(self.rows("good")), ["good"])
        self.assertEqual(list(self.rows(path)), ["good"])
        missing = self.verify("god", "good")
        self.assertEqual(missing.returncode, 4)
        self.assert_says(missing.stderr, '"god"', "did you mean good")
        self.assertIn("good: ok", missing.stdout)
        gone = self.verify(str(self.policies / "gone.policy"))
        self.assertEqual(gone.returncode, 1)
        self.assert_says(gone.stdout, "gone.policy", "No such file")
        self.assertEqual(self.verify("/etc/hostname").returncode, 1)

    def test_what_this_kernel_makes_of_the_objects(self):
        future = self.good("set", "maps", "Map=future", "[Fields]", "knob=9")
        self.good("cleared", "maps", "Map=future", "[Fields]", "knob=0")
        self.good("later", "maps", "Map=imagined first")
        self.good("never", "maps", "Map=imagined")
        self.good("wide", "maps", "Map=wide")
        rows = self.rows()
        self.assertEqual({n for n, r in rows.items() if r["ok"]}, {"cleared", "later"})
        (problem,) = rows["set"]["problems"]
        self.assertEqual((problem["file"], problem["line"]), (future, 5))
        self.assert_says(problem["sentence"], '"knob"', "no such member")
        self.assertIn("left out", " ".join(rows["cleared"]["notes"]))
        self.assertIn("alternative", " ".join(rows["later"]["notes"]))
        self.assert_says(rows["never"]["problems"][0]["sentence"], "t_imagined_ops", "module")
        self.assertIn("another size", rows["wide"]["problems"][0]["sentence"])

    def test_another_kernel_and_what_its_missing_types_need(self):
        """One that has no types but its own: what this kernel has does not count."""
        kernel_file = os.environ["INSPECT_KERNEL"]
        path = self.good("tcp", "maps", "Map=first second")
        self.good("smc", "types", "Map=handshake")
        rows = self.rows("--kernel", kernel_file)
        problems = rows["tcp"]["problems"]
        self.assertEqual([p["file"] for p in problems], [path] * 2, "both maps of Map= are told of")
        self.assert_says(problems[0]["sentence"], kernel_file, "was built without", "CONFIG_BPF_JIT", "Map=")
        (problem,) = rows["smc"]["problems"]
        self.assert_says(problem["sentence"], '"smc_hs_ctrl". It came with Linux 6.19 and needs CONFIG_SMC_HS_CTRL_BPF')
        self.assert_says(problem["sentence"], "a module may bring it")
        self.assertTrue(self.rows()["tcp"]["ok"])

    def test_what_the_daemon_would_not_see(self):
        """A folder that cannot be read, a file whose name is no policy's: nobody may take that for ok."""
        self.good("good")
        self.policies.chmod(0o700)
        user = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"]
        unread = self.verify(before=user)
        self.assertEqual(unread.returncode, 1, unread)
        self.assert_says(unread.stdout, "cannot be read", "Permission denied")
        self.write("two words.policy", "[Object]", "Path=x")
        rows = self.rows()  # compares ok with the exit status
        self.assertEqual([r["ok"] for r in rows.values()], [True])
        self.assertEqual(self.verify().returncode, 1)
        self.assertEqual(self.verify("good").returncode, 0, "what else there is was not asked for")

    def test_what_is_no_policy(self):
        for path, said in ((find_object("values"), "is an object"), (self.policies, "is a folder")):
            result = self.verify(str(path))
            self.assertEqual(result.returncode, 2, result)
            self.assertEqual(result.stdout, "")
            self.assert_says(result.stderr, str(path), said)
        nobody = self.verify("nobody")
        self.assertEqual((nobody.returncode, nobody.stdout), (4, ""))
        self.assertEqual(json.loads(self.verify("--json", "nobody").stdout)["policies"], [])

    def test_load_asks_the_verifier_and_attaches_nothing(self):
        self.good("wild", "maps", "Map=wild")
        self.good("unfinished", "maps", "Map=unfinished")
        self.good("good", "values", "[Fields]", f"name={algorithm('v')}")
        before = kernel.struct_ops()
        self.assertTrue(all(r["ok"] for r in self.rows().values()))
        rows = self.rows("--load")
        self.assertEqual({n for n, r in rows.items() if r["ok"]}, {"good"})
        self.assert_says(rows["wild"]["problems"][0]["sentence"], "wild_ssthresh", "invalid mem access", "number")
        self.assert_says(rows["unfinished"]["problems"][0]["sentence"], "required operator")
        self.assertNotIn(algorithm("v"), kernel.algorithms())
        self.assertLessEqual({d["name"] for d in kernel.struct_ops().values()}, {d["name"] for d in before.values()})

    def test_an_ordinary_user_gets_all_but_the_last(self):
        self.good("bad", "values", "[Fields]", "flgs=1")
        self.policies.chmod(0o755)
        user = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"]
        result = self.verify(before=user)
        self.assertEqual(result.returncode, 1, result)
        self.assert_says(result.stdout, "bad.policy:4", "flgs")
        self.good("bad")
        denied = self.verify("--load", before=user)
        self.assertEqual(denied.returncode, 5, denied)
        self.assert_says(denied.stdout, "bad: ok", "not checked", "takes root")

    def test_a_crash_over_an_object_is_a_sentence_and_the_others_are_checked(self):
        for name in ("a", "b", "c"):
            self.good(name)
        killer = self.scratch / "killer.py"
        # Whoever opens b's object is killed: what a hostile file would do to libbpf.
        self.write("b.policy", "[Object]", f"Path={self.scratch}/b.bpf.o")
        object_ = self.scratch / "b.bpf.o"
        object_.write_bytes(find_object("values").read_bytes())
        killer.write_text(KILLER)
        result = self.verify("--json", before=["python3", str(killer), str(object_)])
        rows = {p["policy"]: p for p in json.loads(result.stdout)["policies"]}
        self.assertEqual([n for n, r in rows.items() if r["ok"]], ["a", "c"])
        self.assert_says(rows["b"]["problems"][0]["sentence"], f"SIG{signal.Signals(9).name[3:]}")

    def test_damaged_objects(self):
        """Truncated, mutated, and those that the fuzzer of inspect has found: each gets its sentence or its ok."""
        random_ = random.Random(7)
        whole = find_object("values").read_bytes()
        objects = [whole[: random_.randrange(len(whole))] for _ in range(100)]
        for _ in range(900):
            damaged = bytearray(whole)
            for _ in range(random_.choice((1, 2, 8, 64))):
                damaged[random_.randrange(len(damaged))] = random_.choice((0, 1, 0x7F, 0xFF, random_.randrange(256)))
            objects.append(bytes(damaged))
        objects += [path.read_bytes() for path in CORPUS.iterdir()]
        for i, content in enumerate(objects):
            (self.scratch / f"o{i}").write_bytes(content)
            self.write(f"p{i:05}.policy", "[Object]", f"Path={self.scratch}/o{i}", "[Fields]", "name=t_x", "flags |= 1")
        rows = self.rows()
        self.assertEqual(len(rows), len(objects))
        crashes = [p for r in rows.values() for p in r["problems"] if "crashed" in p["sentence"]]
        print(f"{len(objects)} objects, {sum(r['ok'] for r in rows.values())} fit, libbpf crashed over {len(crashes)}")
        self.assertGreater(sum(not r["ok"] for r in rows.values()), 200)

    def test_inspect_shows_the_object_as_a_policy_changes_it(self):
        policy = self.good("x", "values", "[Fields]", "name=t_other", "flags=2", "cong_avoid =")
        words = ("inspect", "--json", "--value", "--policy", policy, str(find_object("maps")))
        refused = self.run_client(*words)
        self.assertEqual(refused.returncode, 1, "it has several maps, and the policy names none")
        self.assertIn("name the one to attach", refused.stderr)
        self.write("x.policy.d/1.conf", "[Object]", "Map=first", "[Fields]", "flags |= 1")
        result = self.run_client(*words)
        self.assertEqual(result.returncode, 0, result)
        maps = {m["name"]: m for m in json.loads(result.stdout)["maps"]}
        members = {m["name"]: m for m in maps["first"]["members"]}
        self.assertEqual((members["name"]["value"], members["flags"]["value"]), ("t_other", "3"))
        self.assertIsNone(members["cong_avoid"]["program"])
        self.assertEqual(members["ssthresh"]["program"], "ssthresh")
        self.assertIn(b"t_other\0".hex(), maps["first"]["value"]["bytes"])
        second = {m["name"]: m for m in maps["second"]["members"]}
        self.assertEqual(second["name"]["value"], "t_second")

    def test_inspect_shows_programs_and_globals_as_the_policy_leaves_them(self):
        policy = self.write(
            "x.policy", "[Object]", "Path=x", "Map=aimd", "[Fields]", "cong_avoid = gentle_cong_avoid",
            "[Globals]", "min_cwnd = 7",
        )  # fmt: skip
        words = ("inspect", "--json", "--policy", policy, str(find_object("tcp_aimd")))
        shown = json.loads(self.run_client(*words).stdout)
        programs = {p["name"]: p["members"] for p in shown["programs"]}
        self.assertEqual(programs["gentle_cong_avoid"], ["aimd.cong_avoid"])
        self.assertEqual(programs["aimd_cong_avoid"], ["aimd___v1.cong_avoid"])
        self.assertEqual([n.split('"')[1] for n in shown["notes"]], ["reno_ssthresh"], "that alone is in no map")
        values = {g["name"]: g["value"] for g in shown["globals"]}
        self.assertEqual((values["min_cwnd"], values["backoff_percent"]), ("7", "50"))
        self.write("x.policy.d/1.conf", "[Fields]", "cong_avoid =", "cong_avoid = aimd_ssthresh")
        self.assertIn("ssthresh", self.run_client(*words).stderr)

    def test_inspect_shows_parts_of_globals(self):
        policy = self.write("x.policy", "[Object]", "Path=x", "[Globals]", "g_limits.max[1] = 5", "g_u8 = 9")
        words = ("inspect", "--json", "--policy", policy, str(find_object("values")))
        done = self.run_client(*words)
        values = {g["name"]: g["value"] for g in json.loads(done.stdout)["globals"]}
        self.assertEqual(values["g_u8"], "9")
        self.assertEqual(values["g_limits"], "{max = {1, 5, 3, 4}}")

    def test_options_that_make_no_sense(self):
        self.assertEqual(self.verify("--load", "--kernel", "/nowhere").returncode, 2)
        self.assertEqual(self.verify("--kernel", "/nowhere").returncode, 0)
        self.good("good")
        self.assertEqual(self.verify("--kernel", "/nowhere").returncode, 1)
        self.assertEqual(self.run_client("list", "--load").returncode, 2)


# Runs the rest of its arguments, and kills whichever descendant opens the file of the first.
KILLER = """
import ctypes, os, select, signal, struct, subprocess, sys
libc = ctypes.CDLL(None, use_errno=True)
fd = libc.fanotify_init(0x4, os.O_RDONLY)  # FAN_CLASS_CONTENT
assert fd >= 0, ctypes.get_errno()
assert libc.fanotify_mark(fd, 1, ctypes.c_uint64(0x10000), -100, sys.argv[1].encode()) == 0  # FAN_OPEN_PERM
child = subprocess.Popen(sys.argv[2:])
while child.poll() is None:
    if not select.select([fd], [], [], 0.05)[0]:
        continue
    _, _, _, _, _, opened, pid = struct.unpack("IBBHQii", os.read(fd, 24))
    if pid != os.getpid():
        os.kill(pid, signal.SIGKILL)
    os.write(fd, struct.pack("iI", opened, 1))
    os.close(opened)
sys.exit(child.returncode)
"""


class Log(NativeTest):
    def test_whole_verifier_log_of_what_was_refused(self):
        d = self.daemon()
        d.policy("a", "maps", object_=["Map=wild"])
        d.policy("good")
        d.start()
        log = d.ctl("log", "a")
        self.assertEqual(log.status, 0, log.text)
        end = d.status("a")["verifier_log"]
        self.assertIn(end.strip().splitlines()[-1], log.out)
        self.assert_says(log.out, "map wild", "libbpf: ", 'The verifier on program "wild_ssthresh"', "processed ")
        answer = json.loads(d.ctl("--json", "log", "a").out)
        self.assertEqual((answer["schema"], answer["name"]), (1, "a"))
        self.assertEqual(answer["log"].strip(), log.out.strip())

    def test_of_one_that_was_attached_and_of_one_that_there_is_not(self):
        d = self.daemon()
        d.policy("good")
        d.policy("idle", head=["Enabled=no"])
        d.start()
        self.assertIn("values", d.ctl("log", "good").out)
        self.assertNotIn("verifier", d.ctl("log", "good").out)
        self.assertIn("nothing was said", d.ctl("log", "idle").out)
        self.assertIsNone(json.loads(d.ctl("--json", "log", "idle").out)["log"])
        self.assertEqual(d.ctl("log", "nobody").status, 4)

    def test_a_long_one_comes_whole(self):
        d = self.daemon()
        d.policy("a", "causes", object_=["Map=too_large"])
        d.start()
        log = d.ctl("log", "a").out
        file = (d.run / "logs" / "a").read_text()
        self.assertGreater(len(file), 200_000)
        self.assertEqual(log.rstrip("\n"), file.rstrip("\n").replace("\t", "?") if "\t" in file else file.rstrip("\n"))


if __name__ == "__main__":
    native.main()
