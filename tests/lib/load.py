# SPDX-License-Identifier: LGPL-2.1-or-later
"""Load on one TCP algorithm: whoever asks for it must get it, and who has it goes on, at each moment."""

import multiprocessing
import socket
import threading

CHUNK = 64 * 1024


def _ask_for(name: bytes, at_least: int, stop, report) -> None:
    """setsockopt(TCP_CONGESTION) on fresh sockets until told to stop; reports how often, and what failed."""
    asked, failures = 0, []
    while not stop.is_set() or asked < at_least:
        with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as s:
            for _ in range(100):
                asked += 1
                try:
                    s.setsockopt(socket.IPPROTO_TCP, socket.TCP_CONGESTION, name)
                    s.setsockopt(socket.IPPROTO_TCP, socket.TCP_CONGESTION, b"reno")
                except OSError as e:
                    failures.append(str(e))
    report.put((asked, failures))


class _Connection:
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


class SocketLoad:
    """A context manager. When it has ended: how often was asked, what failed, and what one connection carried."""

    AT_LEAST = 100_000

    def __init__(self, algorithm: str):
        self.name = algorithm.encode()
        self.asked = self.sent = self.received = 0
        self.failures: list[str] = []

    def __enter__(self):
        self.stop, self.report = multiprocessing.Event(), multiprocessing.Queue()
        arguments = (self.name, self.AT_LEAST, self.stop, self.report)
        self.asker = multiprocessing.Process(target=_ask_for, args=arguments, daemon=True)
        self.asker.start()
        self.connection = _Connection(self.name)
        return self

    def __exit__(self, *_):
        self.stop.set()
        self.asked, self.failures = self.report.get(timeout=120)
        self.asker.join(60)
        self.connection.end()
        self.sent, self.received = self.connection.sent, self.connection.received
        if self.connection.error:
            self.failures.append(str(self.connection.error))
