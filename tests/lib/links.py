# SPDX-License-Identifier: LGPL-2.1-or-later
"""Links by bpf() itself: bpftool takes a hundredth of a second, which a test that looks a thousand times has not.

As a program it is the watcher from outside: it holds the links whose ids it reads, one a line, says "watching ID", and
"detached ID" when the kernel says so (EPOLLHUP).
"""

import ctypes
import errno
import os
import platform
import select
import struct
import subprocess
import sys

SYSCALL = {"x86_64": 321, "aarch64": 280, "riscv64": 280, "s390x": 351, "ppc64le": 361}[platform.machine()]
OBJ_GET_INFO_BY_FD, LINK_GET_FD_BY_ID, LINK_GET_NEXT_ID, LINK_DETACH = 15, 30, 31, 34
LINK_TYPE_STRUCT_OPS = 9
INFO_SIZE = 128

_libc = ctypes.CDLL(None, use_errno=True)


def _bpf(command: int, attributes: bytes) -> tuple[int, bytes]:
    """The result, and the attributes as the kernel left them."""
    buffer = ctypes.create_string_buffer(attributes.ljust(INFO_SIZE, b"\0"), INFO_SIZE)
    result = _libc.syscall(SYSCALL, command, buffer, INFO_SIZE)
    if result < 0:
        raise OSError(ctypes.get_errno(), f"bpf({command})")
    return result, buffer.raw


def open_link(link_id: int) -> int | None:
    """A descriptor, the caller's; None: there is no such link (any more)."""
    try:
        return _bpf(LINK_GET_FD_BY_ID, struct.pack("=I", link_id))[0]
    except OSError as e:
        if e.errno in (errno.ENOENT, errno.EAGAIN):
            return None
        raise


def map_of(link_id: int) -> int | None:
    """The map that a struct_ops link has; 0: it is detached; None: there is no such link."""
    fd = open_link(link_id)
    if fd is None:
        return None
    try:
        info = ctypes.create_string_buffer(INFO_SIZE)
        _bpf(OBJ_GET_INFO_BY_FD, struct.pack("=IIQ", fd, INFO_SIZE, ctypes.addressof(info)))
        kind, _, _, _, map_id = struct.unpack_from("=5I", info.raw)
        return map_id if kind == LINK_TYPE_STRUCT_OPS else None
    finally:
        os.close(fd)


def detach(link_id: int) -> bool:
    """As another process does it; False: somebody was faster."""
    fd = open_link(link_id)
    if fd is None:
        return False
    try:
        _bpf(LINK_DETACH, struct.pack("=I", fd))
        return True
    except OSError as e:
        if e.errno in (errno.EINVAL, errno.ENOLINK):
            return False
        raise
    finally:
        os.close(fd)


class Watcher:
    """The program below, running: a context manager. detached: the ids of which it has said so."""

    def __init__(self, link_ids: list[int]):
        self.link_ids = link_ids

    def __enter__(self):
        self.process = subprocess.Popen(
            [sys.executable, "-B", __file__], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        for link_id in self.link_ids:
            self.process.stdin.write(f"{link_id}\n")
            self.process.stdin.flush()
            line = self.process.stdout.readline()
            if line != f"watching {link_id}\n":
                raise AssertionError(f"the watcher of link {link_id} said {line!r}")
        return self

    def end(self) -> list[int]:
        """The ids of those links that were detached while it watched; it holds none any more."""
        if self.process.stdin.closed:
            raise AssertionError("the watcher was ended already")
        self.process.stdin.close()
        detached = [int(line.split()[1]) for line in self.process.stdout]
        self.process.stdout.close()
        if self.process.wait() != 0:
            raise AssertionError("the watcher has failed")
        return detached

    def __exit__(self, *_):
        if not self.process.stdin.closed:
            self.end()


def watch() -> None:
    epoll = select.epoll()
    epoll.register(0, select.EPOLLIN)
    links: dict[int, int] = {}
    ended = False
    while not ended:
        ended = any([_serve(epoll, links, fd, events) for fd, events in epoll.poll()])
    epoll.unregister(0)
    for fd, events in epoll.poll(0):
        _serve(epoll, links, fd, events)


def _serve(epoll: select.epoll, links: dict[int, int], fd: int, events: int) -> bool:
    """One event; whether it was the end of the input."""
    if fd != 0:
        print("detached", links[fd], flush=True)
        epoll.unregister(fd)
        return False
    if not events & select.EPOLLIN:
        return True
    link_id = int(sys.stdin.readline())
    new = open_link(link_id)
    if new is None:
        sys.exit(f"there is no link {link_id}")
    links[new] = link_id
    epoll.register(new, 0)
    print("watching", link_id, flush=True)
    return False


if __name__ == "__main__":
    watch()
