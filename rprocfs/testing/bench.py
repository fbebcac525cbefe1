"""One processor in a system of its own, for tests of its driver."""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

from rprocfs.fs.kernfs import Handle
from rprocfs.system import System
from rprocfs.testing.userspace import Userspace

R0 = "/sys/class/remoteproc/remoteproc0"
DEBUG = "/sys/kernel/debug/remoteproc/remoteproc0"
RPMSG = "/sys/bus/rpmsg/devices"


@dataclass(frozen=True, slots=True)
class Images:
    """What the driver is tested with.

    *echo* is the path of an image that announces *channels* (the first one
    ``rpmsg-raw``), sends everything back, and whose trace buffer contains *trace*. *crash*
    is for :mod:`rprocfs.testing.firmware_table` only.
    """

    echo: str | os.PathLike[str]
    channels: tuple[str, ...]
    trace: str
    crash: str | os.PathLike[str] = ""


class Bench(AbstractContextManager["Bench"]):
    """One processor of a driver, with its firmware in *directory*; *options* are the system's."""

    def __init__(
        self,
        properties: Mapping[str, Any],
        images: Images,
        directory: os.PathLike[str],
        **options: Any,
    ) -> None:
        self.images = images
        self.directory = Path(directory)
        shutil.copy(images.echo, self.directory / "echo.elf")
        self.system = System(firmware=directory, **options)
        self.device = self.system.add_processor(properties)
        self.shell = Userspace(self.system.tree)
        self._handles: list[Handle] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_exc: object) -> None:
        self.close_files()
        self.system.close()

    def close_files(self) -> None:
        """Close what :meth:`open` has opened."""
        while self._handles:
            self._handles.pop().release()

    def start(self, firmware: str = "echo.elf") -> None:
        """Boot *firmware* and wait for the channels of the echo image; OSError."""
        self.shell.echo(f"{R0}/firmware", firmware)
        self.shell.echo(f"{R0}/state", "start")
        if firmware == "echo.elf":
            self.wait_channels()

    def stop(self) -> None:
        """Stop; OSError."""
        self.shell.echo(f"{R0}/state", "stop")

    @property
    def state(self) -> str:
        """The ``state`` file."""
        return self.shell.cat(f"{R0}/state").strip()

    @property
    def log(self) -> str:
        """The kernel log."""
        return "\n".join(record.text for record in self.system.model.kmsg.records())

    def wait_channels(self) -> None:
        """Until every channel of the echo image is there, and ``rpmsg-raw`` has its node."""
        self.wait(lambda: len(self.channels()) == len(self.images.channels))
        if "rpmsg-raw" in self.images.channels:
            self.wait(lambda: self.shell.exists("/dev/rpmsg0"))

    def channels(self) -> list[str]:
        """The announced channels, as directory names."""
        names = self.shell.ls(RPMSG)
        return [name for name in names if _channel(name) in self.images.channels]

    def open(self, path: str) -> Handle:
        """Open *path*; it is closed with the bench."""
        handle = self.shell.open(path)
        self._handles.append(handle)
        return handle

    def wait(self, condition: Callable[[], object], seconds: float = 30.0) -> None:
        """Until *condition* holds; AssertionError with the log after *seconds*."""
        deadline = time.monotonic() + seconds
        while not condition():
            assert time.monotonic() < deadline, f"waited in vain; state {self.state}\n{self.log}"
            time.sleep(0.002)


def _channel(device: str) -> str:
    """The channel of a device ``virtio0.CHANNEL.SRC.DST``; it may have dots of its own."""
    return device.partition(".")[2].rsplit(".", 2)[0]
