#!/usr/bin/env -S python3 -B
# SPDX-License-Identifier: LGPL-2.1-or-later
"""dump, top and doctor: what the client asks the kernel itself, compared with what others say of it."""

import fcntl
import json
import os
import pty
import struct
import subprocess
import termios
from pathlib import Path

import native
from native import CLIENT, NativeTest, until

TRAFFIC = Path(__file__).parents[2] / "tools" / "traffic"
NOBODY = ("setpriv", "--reuid=65534", "--regid=65534", "--clear-groups")
NO_DAEMON = "/nonexistent/bus"


def client(*words: str) -> native.Result:
    """Without a daemon."""
    command = [str(CLIENT), "--socket", NO_DAEMON, *words]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    return native.Result(done.returncode, done.stdout, done.stderr)


def program_info(program: int) -> dict:
    """By another witness."""
    out = subprocess.run(["bpftool", "-j", "prog", "show", "id", str(program)], capture_output=True, check=True).stdout
    return json.loads(out)


def run_count(program: int) -> int:
    return program_info(program).get("run_cnt", 0)


def send(algorithm: str, mebibytes: int = 8) -> None:
    subprocess.run([TRAFFIC, algorithm, str(mebibytes)], check=True, stdout=subprocess.DEVNULL)


class Endless:
    """Traffic with an algorithm until the end of a with."""

    def __init__(self, algorithm: str):
        self.command = ["sh", "-c", f"while {TRAFFIC} {algorithm} 4 >/dev/null; do :; done"]

    def __enter__(self):
        self.process = subprocess.Popen(self.command, start_new_session=True, stderr=subprocess.DEVNULL)

    def __exit__(self, *_):
        os.killpg(self.process.pid, 9)
        self.process.wait()


class LiveTest(NativeTest):
    def as_nobody(self, *words: str) -> native.Result:
        """The client, run by a user without rights, who may not read the folder of the build."""
        own = self.scratch / "structopsctl"
        own.write_bytes(CLIENT.read_bytes())
        own.chmod(0o755)
        command = [*NOBODY, str(own), "--socket", NO_DAEMON, *words]
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
        return native.Result(done.returncode, done.stdout, done.stderr)


class Dump(LiveTest):
    def setUp(self):
        super().setUp()
        self.d = self.daemon()
        self.d.policy(
            "a", "tcp_aimd", object_=["Map=aimd"], fields=["flags |= 0x1", "cong_avoid = gentle_cong_avoid"],
            globals_=["backoff_percent = 80"],
        )  # fmt: skip
        self.d.start()
        self.row = self.assert_attached(self.d, "a")

    def test_it_is_what_the_policy_set_and_the_kernel_has(self):
        dump = self.d.json("dump", "a")
        by_name = {m["name"]: m for m in dump["members"]}
        self.assertEqual(by_name["name"]["value"], native.algorithm("a"))
        self.assertEqual(by_name["flags"]["value"], "1")
        self.assertEqual(by_name["cong_avoid"]["program"], "gentle_cong_avoid", "the whole name, not 15 characters")
        for w in dump["wanted"]:
            self.assertEqual(w["wanted"], w["actual"], w)
        self.assertEqual([w["member"] for w in dump["wanted"]], ["name", "flags", "cong_avoid"])
        self.assertEqual((dump["map_id"], dump["link_id"]), (self.row["map_id"], self.row["link_id"]))
        self.assertEqual((dump["state"], dump["references"], dump["module"]), ("ready", 1, None))
        programs = {(m["name"], m["program_id"]) for m in dump["members"] if m["program_id"]}
        self.assertEqual(programs, {(p["member"], p["id"]) for p in self.row["programs"]})

    def test_the_bytes_are_those_that_inspect_foretells(self):
        dump = self.d.json("dump", "a")
        words = ("--value", "--policy", str(self.d.policies / "a.policy"), str(self.d.objects / "tcp_aimd.bpf.o"))
        told = json.loads(client("--json", "inspect", *words).out)
        value = next(m["value"] for m in told["maps"] if m["name"] == "aimd")
        self.assertEqual((dump["size"], dump["data_offset"]), (value["size"], value["data_offset"]))
        foretold = bytearray.fromhex(value["bytes"])
        self.assertIn(native.algorithm("a").encode() + b"\0", foretold)
        programs = {m["name"]: (m["program"], m["program_id"]) for m in dump["members"] if m["program"]}
        for part in value["parts"]:
            if part["program"]:
                name, number = programs.pop(part["member"])
                self.assertEqual(name, part["program"])
                foretold[part["offset"] : part["offset"] + 8] = number.to_bytes(8, "little")
        self.assertEqual(programs, {}, "the kernel has no others")
        start = dump["data_offset"]  # before it stand the kernel's own count and state
        self.assertEqual(bytes.fromhex(dump["bytes"])[start:], foretold[start:])

    def test_by_map_and_link_without_a_daemon(self):
        named = self.d.json("dump", "a")
        for subject in (f"map:{self.row['map_id']}", f"link:{self.row['link_id']}"):
            dump = json.loads(client("--json", "dump", subject).out)
            self.assertEqual(dump, {**named, "policy": None, "wanted": []})
        text = client("dump", f"map:{self.row['map_id']}").out
        self.assertRegex(text, r"name +char\[16\] +" + native.algorithm("a"))
        self.assertRegex(text, r"cong_avoid +\d+ +gentle_cong_avoid\n")
        self.assertRegex(client("dump", "--value", f"map:{self.row['map_id']}").out, r"flags +u32 +\d+ +4 +01000000 +1\n")

    def test_text_shows_what_was_wanted(self):
        text = self.d.ctl("dump", "a").out
        self.assertRegex(text, r"flags +u32 +1 +1\n")
        self.assertRegex(text, r"cong_avoid +\d+ +gentle_cong_avoid +gentle_cong_avoid\n")
        self.assert_says(text, "State: ready", "References: 1", "Not set: ")

    def check(self, status: int, result: native.Result, said: str):
        self.assertEqual((result.status, result.out), (status, ""), result.text)
        self.assertIn(said, result.err)

    def test_what_cannot_be_dumped(self):
        self.check(1, client("dump", "map:4294967295"), "no map 4294967295")
        self.check(1, client("dump", "link:4294967295"), "no link 4294967295")
        for wrong in ("map:0", "map:", "link:-1", "map:4294967296", "map:1x"):
            self.check(2, client("dump", wrong), "an id, a number")
        self.check(6, client("dump", "a"), "no daemon")
        self.check(4, self.d.ctl("dump", "nobody"), "no policy")
        self.d.raw("bad.policy", "[Policy]\nEnabled=no\n[Object]\nPath=/nonexistent.bpf.o\n")
        self.d.ctl("reload")
        self.d.ctl("attach", "bad")
        self.check(1, self.d.ctl("dump", "bad"), "there is no map: it is failed")
        globals_map = program_info(self.row["programs"][0]["id"])["map_ids"][0]
        self.check(1, client("dump", f"map:{globals_map}"), "no struct_ops map")

    def test_it_takes_root(self):
        for subject in (f"map:{self.row['map_id']}", f"link:{self.row['link_id']}"):
            self.check(5, self.as_nobody("dump", subject), "CAP_SYS_ADMIN. Run it as root")


class Top(LiveTest):
    def setUp(self):
        super().setUp()
        self.d = self.daemon()
        self.d.policy("a", "tcp_aimd", object_=["Map=aimd"])
        self.d.policy("off", "tcp_aimd", head=["Enabled=no"], object_=["Map=aimd"])
        self.d.start()
        self.row = self.assert_attached(self.d, "a")
        self.program = next(p["id"] for p in self.row["programs"] if p["member"] == "cong_avoid")

    def once(self) -> dict[str, dict]:
        sample = json.loads(self.d.ctl("--json", "top", "--once").out)
        self.assertEqual((sample["schema"], sample["daemon"]), (1, None))
        return {a["policy"]: a for a in sample["attachments"]}

    def test_it_sees_traffic_and_stops_counting(self):
        with Endless(native.algorithm("a")):
            until(lambda: self.once()["a"]["calls_per_sec"] > 0, "top sees calls")
            a = self.once()["a"]
        self.assertEqual((a["map_id"], a["link_id"], a["state"]), (self.row["map_id"], self.row["link_id"], "attached"))
        by_member = {m: p for p in a["programs"] for m in p["members"]}
        run = by_member["cong_avoid"]
        self.assertEqual(run["id"], self.program)
        self.assertLessEqual(run["calls"], run_count(self.program))
        if run["average_nsec"]:
            told = run["calls_per_sec"] * run["average_nsec"] / 1e9
            self.assertAlmostEqual(run["cpu_share"], told, delta=told / 1000)
        self.assertGreater(run_count(self.program), 0)

        def is_not_counted():
            before = run_count(self.program)
            send(native.algorithm("a"))
            return run_count(self.program) == before

        # Others on this machine may look, too, but not for long.
        until(is_not_counted, "nobody looks, and the kernel does not count")

    def test_who_is_not_attached_is_shown_too(self):
        off = self.once()["off"]
        self.assertEqual((off["state"], off["map_id"], off["programs"]), ("inactive", None, []))
        self.assertIsNone(off["calls_per_sec"])
        lines = self.d.ctl("top", "--once").out.splitlines()
        self.assertRegex(lines[2], r"^NAME +STATE +RESTARTS +CALLS/S +AVERAGE +CPU +WHAT$")
        self.assertRegex(lines[-1], r"^off +inactive +0 +- +- +-")

    def test_without_a_daemon(self):
        done = client("--json", "top", "--once", "--interval", "0.1")
        sample = json.loads(done.out)
        self.assertIn("no daemon", sample["daemon"])
        mine = next(a for a in sample["attachments"] if a["map_id"] == self.row["map_id"])
        self.assertEqual((mine["policy"], mine["state"], mine["map"]), (None, None, "aimd"))

    def test_samples_go_on_until_it_is_interrupted(self):
        command = self.d.client_command("--json", "top", "--interval", "0.1")
        process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        try:
            samples = [json.loads(process.stdout.readline()) for _ in range(3)]
            fds = Path(f"/proc/{process.pid}/fd")
            self.assertIn("anon_inode:bpf-stats", {os.readlink(fd) for fd in fds.iterdir()})
            process.send_signal(2)
            self.assertEqual(process.wait(60), 0)
        finally:
            process.kill()
            process.wait()
            process.stdout.close()
        times = [s["time_usec"] for s in samples]
        self.assertEqual(times, sorted(times))

    def on_terminal(self, keys: bytes, columns: int = 160) -> tuple[int, str]:
        """The exit status of top on a terminal where these keys are pressed when it has shown something."""
        parent, child = pty.openpty()
        fcntl.ioctl(child, termios.TIOCSWINSZ, struct.pack("4H", 50, columns, 0, 0))
        command = self.d.client_command("top", "--interval", "0.1")
        env = {**os.environ, "TERM": "xterm"}
        process = subprocess.Popen(command, stdin=child, stdout=child, stderr=child, env=env)
        os.close(child)
        out = b""
        try:
            while chunk := os.read(parent, 4096):
                out += chunk
                if b"ssthresh" in out and keys:
                    os.write(parent, keys)
                    keys = b""
        except OSError:  # the other side is closed
            pass
        os.close(parent)
        return process.wait(), out.decode()

    def test_a_terminal_is_given_back(self):
        for keys in (b"q", b"\x03", b"\x1b[B\x1b[6~q"):
            status, out = self.on_terminal(keys)
            self.assertEqual(status, 0)
            self.assert_says(out, "\x1b[?1049h", "cong_avoid")
            self.assertTrue(out.rindex("\x1b[?1049l") > out.rindex("cong_avoid"), "the screen is left at the end")

    def test_what_is_wider_than_the_terminal_can_be_scrolled_to(self):
        right = b"\x1bOC" * 8
        _, narrow = self.on_terminal(b"q", columns=40)
        self.assertNotIn("tcp_congestion_ops", narrow)
        _, narrow = self.on_terminal(right + b"q", columns=40)
        self.assertIn("tcp_congestion_ops", narrow)

    def test_usage_and_permission(self):
        for words in (["--interval", "0"], ["--interval", "x"], ["--interval", "nan"], ["--interval", "1e9"]):
            result = client("top", *words)
            self.assertEqual(result.status, 2, result.text)
            self.assertIn("seconds from", result.err)
        result = client("list", "--once")
        self.assertEqual(result.status, 2)
        self.assertIn("it is for 'top'", result.err)
        result = self.as_nobody("top", "--once")
        self.assertEqual(result.status, 5, result.text)
        self.assertIn("Run it as root", result.err)


class Doctor(LiveTest):
    def checks(self, text: str) -> dict[str, dict]:
        answer = json.loads(text)
        self.assertEqual(answer["schema"], 1)
        for check in answer["checks"]:
            self.assertEqual(set(check), {"id", "severity", "text", "remedy"})
            if check["severity"] in ("warning", "error"):
                self.assertTrue(check["remedy"], check)
        self.assertEqual(answer["fit"], all(c["severity"] != "error" for c in answer["checks"]))
        return {c["id"]: c for c in answer["checks"]}

    def test_this_host_is_fit(self):
        done = client("--json", "doctor")
        checks = self.checks(done.out)
        errors = [c for c in checks.values() if c["severity"] == "error"]
        self.assertEqual((done.status, errors), (0, []))
        self.assertIn("tcp_congestion_ops", checks["types"]["text"])
        self.assertIn(os.uname().release, checks["kernel"]["text"])
        self.assertEqual(checks["daemon"]["severity"], "warning")
        self.assertIn("no daemon listens", checks["daemon"]["text"])

    def test_anybody_may_ask(self):
        done = self.as_nobody("--json", "doctor")
        self.assertEqual(done.status, 0, done.text)
        self.assertIn("CAP_SYS_ADMIN", self.checks(done.out)["capabilities"]["text"])

    def test_policies_of_a_daemon(self):
        d = self.daemon()
        d.policy("a")
        d.policy("off", head=["Enabled=no"])
        d.start()
        done = d.ctl("--json", "doctor")
        checks = self.checks(done.out)
        self.assertEqual(done.status, 0, done.text)
        self.assertEqual(checks["daemon"]["severity"], "ok")
        self.assertIn(f"process {d.pid}", checks["sandbox"]["text"])
        self.assertEqual((checks["policy:a"]["severity"], checks["policy:a"]["text"]), ("ok", "attached"))
        self.assertEqual(checks["policy:off"]["severity"], "ok")
        d.policy("bad", "/nonexistent.bpf.o", head=["Enabled=no"])
        d.ctl("reload")
        d.ctl("attach", "bad")
        done = d.ctl("doctor")
        self.assertEqual(done.status, 1)
        self.assertRegex(done.out, r"error +policy:bad +failed: .*nonexistent.*\n +→ structopsctl status bad")
        self.assertRegex(done.out, r"\n\n1 error[,.]")


if __name__ == "__main__":
    native.main()
