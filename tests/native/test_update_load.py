#!/usr/bin/env -S python3 -B
# SPDX-License-Identifier: LGPL-2.1-or-later
"""A hundred changes of a policy under load: whoever asks for the algorithm gets it, at each moment."""

import multiprocessing
import socket
import threading

import native
from native import NativeTest, algorithm

UPDATES = 100
ASKED_AT_LEAST = 100_000
CHUNK = 64 * 1024


def ask_for(name: bytes, stop, report) -> None:
    """setsockopt(TCP_CONGESTION) on fresh sockets until told to stop; reports how often, and what failed."""
    asked, failures = 0, []
    while not stop.is_set() or asked < ASKED_AT_LEAST:
        with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as s:
            for _ in range(100):
                asked += 1
                try:
                    s.setsockopt(socket.IPPROTO_TCP, socket.TCP_CONGESTION, name)
                    s.setsockopt(socket.IPPROTO_TCP, socket.TCP_CONGESTION, b"reno")
                except OSError as e:
                    failures.append(str(e))
    report.put((asked, failures))


class Connection:
    """One connection that sends with the algorithm for as long as it is told to, and counts what arrives."""

    def __init__(self, name: bytes):
        self.stop = threading.Event()
        self.sent = self.received = 0
        self.error: OSError | None = None
        with socket.create_server(("127.0.0.1", 0)) as server:
            self.sender = socket.create_connection(server.getsockname())
            self.receiver, _ = server.accept()
        self.sender.setsockopt(socket.IPPROTO_TCP, socket.TCP_CONGESTION, name)
        self.threads = [threading.Thread(target=f, daemon=True) for f in (self.send, self.receive)]
        for t in self.threads:
            t.start()

    def send(self) -> None:
        try:
            while not self.stop.is_set():
                self.sender.sendall(bytes(CHUNK))
                self.sent += CHUNK
            self.sender.shutdown(socket.SHUT_WR)
        except OSError as e:
            self.error = e

    def receive(self) -> None:
        try:
            while data := self.receiver.recv(CHUNK):
                self.received += len(data)
        except OSError as e:
            self.error = e

    def end(self) -> None:
        self.stop.set()
        for t in self.threads:
            t.join(60)
        self.sender.close()
        self.receiver.close()


class UpdateUnderLoad(NativeTest):
    def test_no_socket_is_refused(self):
        d = self.daemon()
        d.policy("a", globals_=["g_u32 = 0"])
        d.start()
        before = self.assert_attached(d, "a")
        name = algorithm("a").encode()

        stop, report = multiprocessing.Event(), multiprocessing.Queue()
        asker = multiprocessing.Process(target=ask_for, args=(name, stop, report), daemon=True)
        asker.start()
        connection = Connection(name)
        self.addCleanup(connection.end)
        try:
            for i in range(1, UPDATES + 1):
                d.policy("a", globals_=[f"g_u32 = {i}"])
                result = d.ctl("reload")
                self.assertEqual(result.status, 0, result.text)
                self.assertIn("updated (atomic", result.text)
        finally:
            stop.set()
            asked, failures = report.get(timeout=120)
            asker.join(60)
        connection.end()

        self.assertEqual(failures, [])
        self.assertGreaterEqual(asked, ASKED_AT_LEAST)
        self.assertIsNone(connection.error)
        self.assertEqual(connection.received, connection.sent)
        self.assertGreater(connection.received, 0)
        after = self.assert_attached(d, "a")
        self.assertEqual(after["link_id"], before["link_id"])
        self.assertNotEqual(after["map_id"], before["map_id"])


if __name__ == "__main__":
    native.main()
