"""The operations that the drivers of real boards have in common here.

A driver overrides what its kernel counterpart does, and calls these where that one lets a
processor go: then the model of the remote side (:mod:`rprocfs.drivers.sim.remote`) is there. The
faults that are set below debugfs come first, as in ``rproc-sim``.
"""

from __future__ import annotations

import time
from contextlib import suppress
from typing import TYPE_CHECKING

from rprocfs.drivers.sim.ctl import SimFaults
from rprocfs.drivers.sim.remote import SimRemote
from rprocfs.remoteproc import elf_loader
from rprocfs.remoteproc.errors import FirmwareError
from rprocfs.remoteproc.rproc import RprocOps

if TYPE_CHECKING:
    from rprocfs.remoteproc.rproc import Rproc


class PreloadedOps(RprocOps):
    """Those of a processor that a boot loader may have started."""

    def boot_loader(self, rproc: Rproc, table: memoryview | None = None) -> None:
        """What a boot loader does before there is a kernel: load the default firmware.

        *table* is where firmware of this kind leaves its resource table. FirmwareError; OSError.
        """
        fw = rproc.subsystem.loader.request_firmware(rproc.firmware, rproc)
        self.sanity_check(rproc, fw)
        self.load_before(rproc, fw)
        if table is not None:
            with suppress(FirmwareError):
                found = elf_loader.rproc_elf_load_rsc_table(fw)[: len(table)]
                table[: len(found)] = found

    def load_before(self, rproc: Rproc, fw: bytes) -> None:
        """Load the image without the kernel. FirmwareError."""
        self.load(rproc, fw)


class ModelOps(PreloadedOps):
    """Start, stop, attach and doorbell of a processor whose remote side is a model."""

    def __init__(self) -> None:
        self.faults = SimFaults()
        self.remote: SimRemote

    def prepare(self, rproc: Rproc) -> None:
        """``fail_prepare``."""
        del rproc
        self.faults.check("prepare")

    def start(self, rproc: Rproc) -> None:
        """``delay_start``, ``fail_start``; it runs."""
        del rproc
        time.sleep(self.faults.delay_start / 1000)
        self.faults.check("start")
        self.remote.starts += 1
        self.remote.power(on=True)

    def stop(self, rproc: Rproc) -> None:
        """``fail_stop``; nothing of it runs on."""
        del rproc
        self.faults.check("stop")
        self.remote.stops += 1
        self.remote.power(on=False)

    def attach(self, rproc: Rproc) -> None:
        """``fail_attach``; it runs."""
        del rproc
        self.faults.check("attach")
        self.remote.power(on=True)

    def leave(self) -> None:
        """``fail_detach``; for a driver that has ``detach``."""
        self.faults.check("detach")
        self.remote.power(on=False)

    def ring(self) -> None:
        """The doorbell: the remote looks at all rings. For a driver that has ``kick``."""
        self.remote.kick()

    def settle(self, rproc: Rproc) -> None:
        """Wait for what its remote side announces."""
        del rproc
        self.remote.settle()
