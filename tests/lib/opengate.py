# SPDX-License-Identifier: LGPL-2.1-or-later
"""Holds whoever opens a file until he is let through (fanotify): a worker caught in the act, without a race."""

import ctypes
import os
import select
import struct
from pathlib import Path

FAN_CLASS_CONTENT = 0x4
FAN_CLOEXEC = 0x1
FAN_MARK_ADD = 0x1
FAN_OPEN_PERM = 0x10000
FAN_ALLOW = 1
AT_FDCWD = -100

EVENT = struct.Struct("=IBBHQii")  # length, version, reserved, length of this, mask, fd, pid
ANSWER = struct.Struct("=iI")


class OpenGate:
    """A context manager. At its end everybody is let through."""

    def __init__(self, path: Path):
        libc = ctypes.CDLL(None, use_errno=True)
        self.held: list[int] = []
        self.fd = libc.fanotify_init(FAN_CLASS_CONTENT | FAN_CLOEXEC, os.O_RDONLY | os.O_CLOEXEC)
        if self.fd < 0:
            raise OSError(ctypes.get_errno(), "fanotify_init")
        mask = ctypes.c_uint64(FAN_OPEN_PERM)
        if libc.fanotify_mark(self.fd, FAN_MARK_ADD, mask, AT_FDCWD, os.fsencode(path)) != 0:
            error = ctypes.get_errno()
            os.close(self.fd)
            raise OSError(error, f"fanotify_mark {path}")

    def wait(self, seconds: float = 60) -> int:
        """The id of the process that wants to open the file; it stays where it is."""
        ready, _, _ = select.select([self.fd], [], [], seconds)
        if not ready:
            raise AssertionError(f"nobody opened the file within {seconds:g} s")
        *_, fd, pid = EVENT.unpack(os.read(self.fd, EVENT.size))
        self.held.append(fd)
        return pid

    def let_through(self) -> None:
        for fd in self.held:
            os.write(self.fd, ANSWER.pack(fd, FAN_ALLOW))
            os.close(fd)
        self.held.clear()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for fd in self.held:
            os.close(fd)
        os.close(self.fd)
