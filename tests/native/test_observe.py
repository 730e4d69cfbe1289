#!/usr/bin/env -S python3 -B
# SPDX-License-Identifier: LGPL-2.1-or-later
"""What a daemon tells about what it did: metrics, the events of before, and where a line of a policy stands."""

import json
import socket
import subprocess
import threading
from pathlib import Path

import native
from native import NativeTest, algorithm, kernel, until
from openmetrics import Text

EVENTS_KEPT = 32


class Metrics(NativeTest):
    def read(self, d) -> Text:
        done = d.ctl("metrics")
        self.assertEqual((done.status, done.err), (0, ""))
        text = Text(done.out, is_openmetrics=True)
        self.assertEqual(text.problems, [])
        return text

    def test_a_life_is_counted(self):
        d = self.daemon()
        d.policy("a", attach=["RestartSec=0"])
        d.policy("bad", object_=["Map=nobody"])
        d.start()
        m, of_a = self.read(d), 'policy="a"'
        self.assertEqual(m.value("structopsd_policy_state", of_a, 'state="attached"'), 1)
        self.assertEqual(m.value("structopsd_policy_state", 'policy="bad"', 'state="failed"'), 1)
        self.assertEqual(m.value("structopsd_load_duration_seconds_count", of_a), 1)
        self.assertEqual(m.value("structopsd_attach_duration_seconds_count", of_a), 1)
        self.assertEqual(m.value("structopsd_failed_attempts_total", 'policy="bad"', 'reason="load-failed"'), 1)
        self.assertEqual(m.value("structopsd_failed_attempts_total", of_a, 'reason="load-failed"'), 0)
        status = d.status("a")
        since = m.value("structopsd_policy_state_timestamp_seconds", of_a)
        self.assertAlmostEqual(since, status["attached_usec"] / 1e6, places=5)
        seconds = sum(
            m.value(f"structopsd_{part}_duration_seconds_sum", of_a) for part in ("load", "attach")
        )
        self.assertAlmostEqual(seconds, status["attach_usec"] / 1e6, places=5)

        d.detach_and_come_back("a")
        m = self.read(d)
        self.assertEqual(m.value("structopsd_detachments_total", of_a, 'reason="link-detached"'), 1)
        self.assertEqual(m.value("structopsd_restarts_total", of_a, 'reason="link-detached"'), 1)
        self.assertEqual(m.value("structopsd_load_duration_seconds_count", of_a), 1, "it was linked again")

        d.policy("a", head=["Description=x"], globals_=["g_u8 = 7"], attach=["RestartSec=0"])
        self.assertEqual(d.ctl("reload").status, 0)
        m = self.read(d)
        self.assertEqual(m.value("structopsd_update_duration_seconds_count", of_a), 1)
        self.assertEqual(m.value("structopsd_update_gap_seconds_count", of_a), 1)
        self.assertEqual(m.value("structopsd_attach_duration_seconds_count", of_a), 1)
        self.assertEqual(m.value("structopsd_reloads_total", 'result="ok"'), 1)

        d.raw("broken.policy", "nonsense\n")
        self.assertEqual(d.ctl("reload").status, 1)
        self.assertEqual(self.read(d).value("structopsd_reloads_total", 'result="refused"'), 1)

    def test_a_textfile_is_whole_at_any_time(self):
        d = self.daemon()
        d.policy("a")
        d.start()
        folder = self.scratch / "textfiles"
        folder.mkdir()
        file = folder / "structopsd.prom"
        self.assertEqual(d.ctl("metrics", "--textfile", file).status, 0)
        writers = [
            subprocess.Popen(["sh", "-c", 'for i in $(seq 20); do "$@"; done', "sh", *d.client_command("metrics", "--textfile", str(file))])
            for _ in range(2)
        ]
        n_read = 0
        while any(w.poll() is None for w in writers):
            text = Text(file.read_text(encoding="utf-8"), is_openmetrics=False)
            self.assertEqual(text.problems, [])
            self.assertEqual(text.value("structopsd_policy_state", 'policy="a"', 'state="attached"'), 1)
            n_read += 1
        self.assertEqual([w.wait() for w in writers], [0, 0])
        self.assertGreater(n_read, 0)
        self.assertEqual([p.name for p in folder.iterdir()], [file.name])

    def test_runs_are_told_while_the_kernel_counts(self):
        setting = Path("/proc/sys/kernel/bpf_stats_enabled")
        self.addCleanup(setting.write_text, setting.read_text())
        d = self.daemon()
        d.policy("a")
        d.start()
        of_ssthresh = ('policy="a"', 'program="ssthresh"')
        setting.write_text("0\n")
        self.assertIsNone(self.read(d).value("structopsd_program_runs_total", *of_ssthresh))
        setting.write_text("1\n")
        with socket.create_server(("127.0.0.1", 0)) as server, socket.socket() as client:
            client.setsockopt(socket.IPPROTO_TCP, socket.TCP_CONGESTION, algorithm("a").encode())
            client.connect(server.getsockname())
            m = self.read(d)
            self.assertEqual(m.value("structopsd_policy_users", 'policy="a"'), 1)
        runs = [s for s in m.families["structopsd_program_runs"].samples if 'policy="a"' in s.labels]
        self.assertGreater(sum(s.value for s in runs), 0, "the socket has called init()")
        self.assertGreater(
            sum(s.value for s in m.families["structopsd_program_run_seconds"].samples if 'policy="a"' in s.labels), 0
        )
        self.assertEqual(m.value("structopsd_program_runs_total", *of_ssthresh), 0)

    def test_no_daemon_is_told_as_a_metric(self):
        d = self.daemon()
        done = d.ctl("metrics")
        self.assertEqual(done.status, 6)
        text = Text(done.out, is_openmetrics=True)
        self.assertEqual(text.problems, [])
        self.assertEqual(text.value("structopsd_up"), 0)


class Follow(NativeTest):
    """However often something happens while a monitor begins, none is missing and none comes twice."""

    def keep_detaching(self, d, stop: threading.Event) -> None:
        while not stop.is_set():
            link = d.status("a")["link_id"]
            if link:
                kernel.detach(link)

    def follow(self, d) -> list[int]:
        command = d.client_command("--json", "monitor", "--since", "0")
        with subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True) as monitor:
            seqs = [json.loads(monitor.stdout.readline())["seq"] for _ in range(EVENTS_KEPT + 20)]
            monitor.terminate()
            monitor.stdout.read()
        return seqs

    def test_no_gap_and_nothing_twice(self):
        d = self.daemon()
        d.policy("a", attach=["RestartSec=0", "StartLimitBurst=0"])
        d.start()
        stop = threading.Event()
        other = threading.Thread(target=self.keep_detaching, args=(d, stop))
        other.start()
        try:
            until(lambda: len(d.status("a")["events"]) == EVENTS_KEPT, "the daemon forgets the first ones")
            for _ in range(15):
                seqs = self.follow(d)
                self.assertEqual(seqs, list(range(seqs[0], seqs[0] + len(seqs))))
        finally:
            stop.set()
            other.join()
        d.wait_for("a", "attached")

    def test_the_past_is_chosen_by_number_time_policy_and_state(self):
        d = self.daemon()
        d.policy("a")
        d.policy("b", object_=["Map=nobody"])
        d.start()

        def first(*words: str) -> dict:
            command = d.client_command("--json", "monitor", *words)
            with subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True) as monitor:
                event = json.loads(monitor.stdout.readline())
                monitor.terminate()
                monitor.stdout.read()
            return event

        self.assertEqual(first("--since", "0")["seq"], 1)
        self.assertEqual(first("--since", "2")["seq"], 3)
        self.assertEqual(first("--since", "1h ago")["seq"], 1)
        self.assertEqual(first("--since", "2001-09-09 01:46")["seq"], 1)
        self.assertEqual(first("--since", "0", "b")["policy"], "b")
        self.assertEqual(first("--since", "0", "--state", "failed")["to"], "failed")


class Merged(NativeTest):
    def test_each_line_is_where_it_is_said_to_be(self):
        d = self.daemon()
        d.policy("a", head=["Description=one"], globals_=["g_u8 = 1"], attach=["RestartSec=1s"])
        d.raw("a.policy.d/1.conf", "[Attach]\n\nRestartSec=2s\n[Fields]\nflags |= 0x1\n")
        d.raw("a.policy.d/2.conf", "[Globals]\ng_u8 = 3\n")
        d.start()
        lines = d.json("cat", "--merged", "a")["lines"]
        for line in lines:
            text = Path(line["file"]).read_text(encoding="utf-8").splitlines()[line["line"] - 1]
            self.assertIn(line["key"], text)
            self.assertIn(line["value"], text)
        values = {(line["section"], line["key"]): line["value"] for line in lines}
        self.assertEqual(values["Attach", "RestartSec"], "2s")
        self.assertEqual(values["Globals", "g_u8"], "3")
        self.assertEqual(values["Fields", "flags"], "0x1")
        # As it stands it is a policy, and the same one.
        merged = d.ctl("cat", "--merged", "a").out
        d.raw("a.policy", merged)
        for drop_in in ("1.conf", "2.conf"):
            (d.policies / "a.policy.d" / drop_in).unlink()
        self.assertIn("a: kept", d.ctl("reload").out)


if __name__ == "__main__":
    native.main()
