#!/usr/bin/env -S python3 -B
# SPDX-License-Identifier: LGPL-2.1-or-later
"""The client against the real daemon: JSON schema 1 (design.md section 5), text, and each exit status."""

import json
import os
import pty
import re
import signal
import subprocess

import native
from native import Monitor, NativeTest, kernel, processes, until

NULL = type(None)
POLICY_KEYS = {
    "name": str,
    "description": (str, NULL),
    "enabled": bool,
    "state": str,
    "reason": (str, NULL),
    "detail": (str, NULL),
    "type": (str, NULL),
    "map": (str, NULL),
    "map_id": (int, NULL),
    "link_id": (int, NULL),
    "object": (str, NULL),
    "attached_usec": (int, NULL),
    "restarts": int,
    "next_attempt_usec": (int, NULL),
    "fallback": (str, NULL),
    "template": (str, NULL),
    "instances": (int, NULL),
    "device": (str, NULL),
    "switched_from": (str, NULL),
    "switch_ends_usec": (int, NULL),
    "disagreements": list,
}
STATUS_KEYS = {
    "fields": list,
    "programs": list,
    "events": list,
    "users": (int, NULL),
    "defaults": list,
    "exit": (dict, NULL),
}
FIELD_KEYS = {"member": str, "wanted": str, "actual": (str, NULL)}
PROGRAM_KEYS = {"member": str, "name": str, "id": (int, NULL)}
EVENT_KEYS = {
    "seq": int,
    "time_usec": int,
    "monotonic_usec": int,
    "policy": str,
    "from": str,
    "to": str,
    "reason": str,
    "detail": str,
    "link_id": (int, NULL),
}
STATES = {"inactive", "loading", "attached", "updating", "waiting", "detaching", "failed", "invalid"}


class Schema(NativeTest):
    def setUp(self):
        super().setUp()
        self.d = self.daemon()
        attach = ["RestartSec=1h", "RestartMaxDelaySec=2h"]
        self.d.policy("a", head=["Description=Text", "Fallback=off"], globals_=["g_u8 = 7"], fields=["init ="])
        self.d.policy("off", head=["Enabled=no"])
        self.d.policy("waits", attach=attach)
        self.d.policy("refused", "maps", object_=["Map=wild"])
        self.d.raw("broken.policy", "Path=x\n")
        self.d.start()
        self.d.detach_by_another("waits")
        self.d.wait_for("waits", "waiting")

    def check_keys(self, what: dict, keys: dict, also=()):
        self.assertLessEqual(set(keys), set(what), "keys that are missing")
        self.assertLessEqual(set(what) - set(keys), set(also), "keys that nobody promised")
        for key, types in keys.items():
            self.assertIsInstance(what[key], types, key)
            if types is int or (isinstance(types, tuple) and int in types):
                self.assertNotIsInstance(what[key], bool, key)

    def test_list(self):
        answer = self.d.json("list")
        self.assertEqual((set(answer), answer["schema"]), ({"schema", "policies"}, 1))
        for policy in answer["policies"]:
            with self.subTest(policy["name"]):
                self.check_keys(policy, POLICY_KEYS)
                self.assertIn(policy["state"], STATES)
        self.assertEqual([p["name"] for p in answer["policies"]], ["a", "broken", "off", "refused", "waits"])

    def test_list_of_what_is_attached(self):
        row = self.d.list()["a"]
        self.assertEqual((row["description"], row["enabled"], row["fallback"]), ("Text", True, "off"))
        self.assertEqual((row["type"], row["map"]), ("tcp_congestion_ops", "values"))
        self.assertEqual(row["object"], str(self.d.objects / "values.bpf.o"))
        self.assertEqual(kernel.links()[row["link_id"]], row["map_id"])
        self.assertIsNone(row["next_attempt_usec"])
        now = native.time.time_ns() // 1000
        self.assertTrue(now - 120 * 1000000 < row["attached_usec"] <= now)

    def test_null_where_nothing_applies(self):
        rows = self.d.list()
        for name in ("off", "broken", "refused"):
            with self.subTest(name):
                row = rows[name]
                for key in ("map_id", "link_id", "attached_usec", "next_attempt_usec", "fallback", "description"):
                    self.assertIsNone(row[key], key)
                self.assertEqual(row["restarts"], 0)
        self.assertFalse(rows["off"]["enabled"])
        waiting = rows["waits"]
        self.assertIsNone(waiting["link_id"])
        self.assertIsNone(waiting["attached_usec"])
        self.assertIsInstance(waiting["next_attempt_usec"], int)
        self.assertEqual(waiting["restarts"], 1)

    def test_status(self):
        # What it adds beyond the promised keys is there for people; it may grow.
        also = {"verifier_log", "notes", "digest", "watch", "files", "attach_usec", "kept"}
        answer = self.d.json("status")
        self.assertEqual((set(answer), answer["schema"]), ({"schema", "policies"}, 1))
        for policy in answer["policies"]:
            with self.subTest(policy["name"]):
                self.check_keys(policy, {**POLICY_KEYS, **STATUS_KEYS}, also)
                for field in policy["fields"]:
                    self.check_keys(field, FIELD_KEYS)
                for program in policy["programs"]:
                    self.check_keys(program, PROGRAM_KEYS)
                for event in policy["events"]:
                    self.check_keys(event, EVENT_KEYS)
                self.assertEqual("verifier_log" in policy, policy["name"] == "refused")
        rows = {p["name"]: p for p in answer["policies"]}
        fields = {f["member"]: f["actual"] for f in rows["a"]["fields"]}
        self.assertEqual(fields, {"name": native.algorithm("a"), "init": "", "Globals.g_u8": "7"})
        programs = {p["id"] for p in rows["a"]["programs"]}
        in_kernel = kernel.struct_ops()[rows["a"]["map_id"]]
        shown = {int(i) for v in in_kernel.values() if isinstance(v, str) for i in re.findall(r"prog_id:(\d+)", v)}
        self.assertEqual(programs, shown, "the programs' ids are the kernel's")

    def test_monitor_prints_an_event_a_line(self):
        with Monitor(self.d) as monitor:
            self.d.ctl("restart", "a")
            monitor.until(lambda e: e["to"] == "attached")
        for event in monitor.events:
            self.check_keys(event, EVENT_KEYS)
            self.assertEqual(event["policy"], "a")
        self.assertEqual([e["from"] for e in monitor.events][0], "attached")
        times = [e["monotonic_usec"] for e in monitor.events]
        self.assertEqual(times, sorted(times))
        in_status = self.d.status("a")["events"]
        self.assertEqual(in_status[-len(monitor.events) :], monitor.events, "the same events everywhere")


class Text(NativeTest):
    def start(self):
        d = self.daemon()
        d.policy("a", head=["Description=Text with ünïcode"], globals_=["g_u8 = 7"])
        d.policy("bad", "/nonexistent.bpf.o")
        d.start()
        return d

    def on_terminal(self, command) -> str:
        """What it prints on a terminal."""
        parent, child = pty.openpty()
        env = {**os.environ, "TERM": "xterm"}
        process = subprocess.Popen(command, stdin=child, stdout=child, stderr=child, env=env)
        os.close(child)
        out = b""
        try:
            while chunk := os.read(parent, 4096):
                out += chunk
        except OSError:  # the other side is closed
            pass
        os.close(parent)
        process.wait()
        return out.decode()

    def test_list_is_aligned_and_counts(self):
        d = self.start()
        lines = d.ctl("list").out.splitlines()
        self.assertRegex(lines[0], r"^  NAME +STATE +TYPE +MAP +LINK +SINCE +RESTARTS +DESCRIPTION$")
        self.assertRegex(lines[1], r"^● a +attached +tcp_congestion_ops +values +\d+ ")
        self.assertRegex(lines[2], r"^. bad +failed ")
        self.assertEqual(lines[1].index("attached"), lines[0].index("STATE"))
        self.assertIn("2 policies: 1 attached, 1 failed", lines[-1])
        self.assertEqual(d.ctl().out.splitlines()[1].split()[:3], ["●", "a", "attached"], "list is the default")

    def test_status_has_overrides_programs_and_events(self):
        d = self.start()
        text = d.ctl("status", "a").out
        self.assert_says(text, "● a - Text with ünïcode", "State: attached (boot)", "tcp_congestion_ops")
        self.assert_says(text, "EPOLLHUP on the link")
        self.assertRegex(text, r"Globals\.g_u8 +7 +7\n")
        self.assertRegex(text, r"ssthresh +ssthresh +\d+\n")
        self.assertRegex(text, r"loading → attached +boot")

    def test_colours_on_a_terminal_only(self):
        d = self.start()
        self.assertNotIn("\x1b", d.ctl("list").out)
        self.assertIn("\x1b[", self.on_terminal(d.client_command("list")))
        self.assertNotIn("\x1b[", self.on_terminal(d.client_command("--no-color", "list")))

    def test_monitor_as_text_until_it_is_interrupted(self):
        d = self.start()
        process = subprocess.Popen(d.client_command("monitor"), stdout=subprocess.PIPE, text=True)
        try:
            until(lambda: processes.is_in_epoll(process.pid), "it has subscribed")
            d.ctl("detach", "a")
            self.assert_says(process.stdout.readline(), "a: attached → detaching (admin)")
            self.assert_says(process.stdout.readline(), "a: detaching → inactive (admin)")
            process.send_signal(signal.SIGINT)
            self.assertEqual(process.wait(60), 0)
        finally:
            process.kill()
            process.wait()
            process.stdout.close()

    def test_a_change_is_said_in_one_line(self):
        d = self.start()
        for words in (["detach", "a"], ["attach", "a"], ["restart", "a"]):
            result = d.ctl(*words)
            self.assertRegex(result.out, r"^a: (attached|inactive)[^\n]*\n$")
            self.assertEqual(result.err, "")
        result = d.ctl("restart", "bad")
        self.assertEqual(result.out, "")
        self.assertRegex(result.err, r"^bad: failed: [^\n]*/nonexistent\.bpf\.o[^\n]*\n$")


class ExitStatus(NativeTest):
    def setUp(self):
        super().setUp()
        self.d = self.daemon()
        self.d.policy("a")
        self.d.policy("bad", "/nonexistent.bpf.o")
        self.d.start()

    def check(self, status, *words, said=""):
        result = self.d.ctl(*words)
        self.assertEqual(result.status, status, result.text)
        self.assertIn(said, result.text)

    def test_0_done(self):
        for words in (["list"], ["status"], ["status", "a"], ["restart", "a"], ["reset-failed", "bad"], ["cat", "a"]):
            self.check(0, *words)
        self.check(0, "detach", "a")
        self.check(0, "attach", "a")
        self.check(0, "attach", "a", said="attached")

    def test_1_failed(self):
        self.check(1, "attach", "bad", said="bad: failed")
        self.check(1, "restart", "a", "bad", said="a: attached")
        self.assert_attached(self.d, "a")

    def test_2_usage(self):
        for words in ("explode", "attach", "cat", "cat a bad", "list a", "--nonsense", "reload a"):
            self.check(2, *words.split(), said="--help")
        self.check(2, "lsit", said="did you mean 'list'?")

    def test_3_not_attached(self):
        self.check(3, "status", "bad", said="/nonexistent.bpf.o")
        self.check(3, "status", "a", "bad")
        self.check(0, "status")

    def test_4_no_such_policy(self):
        for verb in ("status", "attach", "detach", "restart", "reset-failed", "cat"):
            self.check(4, verb, "baad", said="did you mean")
        self.check(4, "status", "a", "nobody", said="● a")

    def test_5_permission_denied(self):
        # More of it in test_clients.py.
        command = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"]
        client = self.scratch / "structopsctl"
        client.write_bytes(native.CLIENT.read_bytes())
        client.chmod(0o755)
        command += [client, "--socket", self.d.socket, "list"]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        self.assertEqual(done.returncode, 5, done.stderr)

    def test_6_no_daemon(self):
        self.check(6, "--socket", str(self.scratch / "nothing"), "list", said="no daemon listens")
        self.d.stop()
        self.check(6, "list", said="is structopsd running?")
        self.check(6, "detach", "a")

    def test_the_gravest_of_several_counts(self):
        self.check(1, "attach", "a", "nobody", "bad")
        self.check(4, "attach", "a", "nobody")

    def test_no_wait_says_what_is_under_way(self):
        with native.OpenGate(self.d.objects / "values.bpf.o") as gate:
            self.check(0, "restart", "--no-wait", "a", said="updating")
            gate.wait()
            gate.let_through()
        self.d.wait_for("a", "attached", "admin")

    def test_the_monitor_ends_with_6_when_the_daemon_goes(self):
        command = self.d.client_command("monitor")
        process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
        until(lambda: processes.is_in_epoll(process.pid), "it has subscribed")
        self.d.stop()
        _, said = process.communicate(timeout=60)
        self.assertEqual(process.returncode, 6, said)
        self.assertIn("is gone", said)

    def test_json_of_a_change(self):
        answer = json.loads(self.d.ctl("--json", "restart", "a", "bad").out)
        self.assertEqual(answer["schema"], 1)
        self.assertEqual([(r["name"], r["done"]) for r in answer["results"]], [("a", True), ("bad", False)])


if __name__ == "__main__":
    native.main()
