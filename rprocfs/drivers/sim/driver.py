"""``rprocfs,sim``: a processor that loads any image and executes none -- the driver ``rproc-sim``.

For testing what runs on the host with the image of one's own board, and for injecting
faults: ``/sys/kernel/debug/rproc_sim/N/ctl`` takes commands (:mod:`sim_ctl`), ``log`` holds
what the remote received, ``stat`` how often it was started; ``rproc_sim/reset`` makes other
processors (:mod:`sim_module`).

Properties of its description:

================== ==============================================================
label              the processor's name (default ``simN``)
firmware-name      the default firmware file
services           ``NAME@ADDR ...``: what the remote announces
memory             its own memories, all else is carveouts: ``ADDRESS:SIZE ...``, and
                   ``ADDRESS=ADDRESS:SIZE`` for one that is seen at both; ``tcm``
                   (default): 64 KiB at 0x20000000; ``any``: wherever the image wants it
machine            what its images are built for: ``arm``, ``pru``, ``c6000``, ``aarch64`` or
                   ``riscv``; for ``rprocfs check``, the model takes any
memory-region      reserved memories, each a carveout of its name before the boot
auto-boot          boot when registered
detached           the boot loader has started it: attach
sysfs-read-only    no attribute can be written
lenient            an image without resource table is no error
attach-on-recovery recover by attaching again
recovery-disabled  do not recover from a crash, until one writes ``recovery``
no-elf-info        make no coredump: its ELF class is not set
fail-attach        attaching fails with EIO
phandle            number for ``rproc_get_by_phandle``
================== ==============================================================
"""

from __future__ import annotations

import errno
import struct
import time
from typing import TYPE_CHECKING, Any, ClassVar

from rprocfs.base.platform import PlatformDevice, PlatformDriver
from rprocfs.base.property import Key
from rprocfs.drivers.sim.ctl import SimFaults, sim_create_debug_dir
from rprocfs.drivers.sim.memory import AnyMemory, ReservedMemory, SimMemory
from rprocfs.drivers.sim.module import SimModule
from rprocfs.drivers.sim.remote import SimRemote
from rprocfs.fs.kernfs import Dir, error
from rprocfs.remoteproc import elf_loader
from rprocfs.remoteproc.core import devm_rproc_add, devm_rproc_alloc
from rprocfs.remoteproc.coredump import (
    ELFCLASS32,
    rproc_coredump_add_segment,
    rproc_coredump_set_elf_info,
)
from rprocfs.remoteproc.errors import FirmwareError
from rprocfs.remoteproc.regions import Memory
from rprocfs.remoteproc.rproc import RprocOps, rproc_carveout_da_to_va
from rprocfs.remoteproc.state import State

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from rprocfs.remoteproc.rproc import Remoteproc, Rproc

TCM_DA = 0x20000000
EM_ARM = 40
#: ``machine`` of a description: ``e_machine`` of elf.h.
MACHINES = {"arm": EM_ARM, "c6000": 140, "pru": 144, "aarch64": 183, "riscv": 243}


class SimOps(RprocOps):
    """``sim_ops``."""

    def __init__(self, pdev: PlatformDevice) -> None:
        machine = pdev.properties.get("machine")
        if machine is not None and machine not in MACHINES:
            raise ValueError(f"machine {machine}: unknown, there are {', '.join(MACHINES)}")
        memory = pdev.properties.get("memory", "tcm")
        self.memory = AnyMemory() if memory == "any" else SimMemory(memory)
        self.reserved = ReservedMemory(pdev.properties.get("memory-region", ()))
        self.lenient = bool(pdev.properties.get("lenient"))
        self.faults = SimFaults()
        self.remote: SimRemote

    def prepare(self, rproc: Rproc) -> None:
        """``fail_prepare``."""
        self.faults.check("prepare")
        if rproc.state is State.OFFLINE:
            self.memory.reset()
        self.reserved.prepare(rproc)

    def start(self, rproc: Rproc) -> None:
        """``delay_start``, ``fail_start``."""
        time.sleep(self.faults.delay_start / 1000)
        self.faults.check("start")
        self.remote.starts += 1
        self.remote.power(on=True)

    def stop(self, rproc: Rproc) -> None:
        """``fail_stop``."""
        self.faults.check("stop")
        self.remote.stops += 1
        self.remote.power(on=False)

    def attach(self, rproc: Rproc) -> None:
        """``fail_attach``."""
        self.faults.check("attach")
        self.remote.power(on=True)

    def detach(self, rproc: Rproc) -> None:
        """``fail_detach``."""
        self.faults.check("detach")
        self.remote.power(on=False)

    def kick(self, rproc: Rproc, notifyid: int) -> None:
        """Wake the remote's thread."""
        del rproc, notifyid
        self.remote.kick()

    def settle(self, rproc: Rproc) -> None:
        """Wait for what its remote side announces."""
        del rproc
        self.remote.settle()

    def da_to_va(self, rproc: Rproc, da: int, length: int) -> memoryview | None:
        """The driver's own memory; what is allocated by the host comes first in ``any``."""
        if isinstance(self.memory, AnyMemory):
            va = rproc_carveout_da_to_va(rproc, da, length)
            if va is not None:
                return va
        return self.memory.find(da, length)

    def memories(self, rproc: Rproc) -> Iterable[Memory]:
        """Its banks."""
        del rproc
        return self.memory.memories()

    def parse_fw(self, rproc: Rproc, fw: bytes) -> None:
        """The table, unless lenient; every segment that is loaded goes into the coredump."""
        try:
            super().parse_fw(rproc, fw)
        except FirmwareError as refusal:
            if not self.lenient:
                raise
            if refusal.strerror:
                rproc.err(refusal.strerror)
            rproc.info("sim: no resource table, going on without")
        for segment in elf_loader.iter_load_segments(fw):
            if not self.reserved.holds(segment.da, segment.memsz):
                rproc_coredump_add_segment(rproc, segment.da, segment.memsz)

    def get_loaded_rsc_table(self, rproc: Rproc) -> memoryview | None:
        """The table that whoever started the processor left in its memory."""
        return self.memory.find(TCM_DA, len(ATTACH_TABLE))


def _attach_table() -> bytes:
    """One trace buffer, and one rpmsg vdev with two rings of 16."""
    trace = struct.pack("<4I32s", 2, TCM_DA + 0x1000, 0x100, 0, b"attach-trace")
    vring = [struct.pack("<5I", 0xFFFFFFFF, 16, 16, number, 0) for number in range(2)]
    vdev = struct.pack("<6I4B", 3, 7, 0, 1, 0, 0, 0, 2, 0, 0) + b"".join(vring)
    offsets = (24, 24 + len(trace))
    return struct.pack("<6I", 1, 2, 0, 0, *offsets) + trace + vdev


ATTACH_TABLE = _attach_table()


class SimDriver(PlatformDriver):
    """``sim_driver``."""

    name = "rproc-sim"
    compatible = ("rprocfs,sim",)
    properties: ClassVar[Mapping[str, Key]] = {
        "services": Key(str, "NAME@ADDR ...: what it announces"),
        "memory": Key(str, "its memories"),
        "machine": Key(str, "what its images are built for: arm, pru, c6000 ..."),
        "lenient": Key(bool, "an image without resource table is no error"),
        "detached": Key(bool, "a boot loader has started it: attach"),
        "attach-on-recovery": Key(bool, "recover by attaching again"),
        "recovery-disabled": Key(bool, "do not recover until `recovery` is written"),
        "sysfs-read-only": Key(bool, "no attribute can be written"),
        "fail-attach": Key(bool, "attaching fails with EIO"),
        "no-elf-info": Key(bool, "make no coredump, its ELF class is not set"),
    }

    def __init__(self, subsystem: Remoteproc) -> None:
        self._subsystem = subsystem
        self._debug = subsystem.model.debug.mkdirs("rproc_sim")
        self.module = SimModule(subsystem)

    @classmethod
    def elf_machines(cls, properties: Mapping[str, Any]) -> tuple[int, ...]:
        """That of its description, if it has one: the model executes nothing."""
        machine = MACHINES.get(properties.get("machine", ""))
        return () if machine is None else (machine,)

    def probe(self, device: PlatformDevice) -> None:
        """Make the processor as its properties say."""
        properties = device.properties
        try:
            ops = SimOps(device)
        except ValueError as failure:
            device.err(str(failure))
            raise error(errno.EINVAL) from failure
        device.devm_add_action(ops.memory.close)
        rproc = devm_rproc_alloc(self._subsystem,
            device, properties.get("label") or f"sim{device.id}", ops,
            properties.get("firmware-name"),
        )  # fmt: skip
        remote = ops.remote = SimRemote(rproc, properties.get("services", ""))
        device.devm_add_action(remote.destroy)
        number = str(device.id)
        sim_create_debug_dir(self._debug.add(number, Dir()), remote, ops.faults)
        device.devm_add_action(lambda: self._debug.remove(number))
        _configure(rproc, ops, device)
        devm_rproc_add(device, rproc)

    def remove(self, device: PlatformDevice) -> None:
        """All of it is undone by the device's resources."""


def _configure(rproc: Rproc, ops: SimOps, device: PlatformDevice) -> None:
    has = device.properties.get
    rproc.phandle = has("phandle")
    rproc.auto_boot = bool(has("auto-boot"))
    rproc.sysfs_read_only = bool(has("sysfs-read-only"))
    rproc.attach_on_recovery = bool(has("attach-on-recovery"))
    rproc.recovery_disabled = bool(has("recovery-disabled"))
    if not has("no-elf-info"):
        rproc_coredump_set_elf_info(rproc, ELFCLASS32, EM_ARM)
    if has("fail-attach"):
        ops.faults.codes["attach"] = errno.EIO
    if has("detached"):
        table = ops.memory.find(TCM_DA, len(ATTACH_TABLE))
        text = ops.memory.find(TCM_DA + 0x1000, 0x100)
        if table is None or text is None:
            raise error(errno.EINVAL)
        table[:] = ATTACH_TABLE
        text[:] = b"already running\n".ljust(0x100, b"\0")
        rproc.state = State.DETACHED
