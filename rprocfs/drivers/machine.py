"""What the drivers of SoCs that execute their firmware have in common.

A devicetree describes the processor, as in the kernel. If there is a machine for its SoC
(:mod:`rprocfs.soc`), its memory is that of the board, and Unicorn executes what is loaded there;
else the remote side is a model (:mod:`rprocfs.drivers.model`).
"""

from __future__ import annotations

from abc import abstractmethod
from functools import partial
from typing import TYPE_CHECKING, ClassVar, Generic, TypeVar

from rprocfs.base.workqueue import Workqueue
from rprocfs.drivers.model.driver import ModelDriver
from rprocfs.drivers.model.ops import PreloadedOps
from rprocfs.drivers.worker.driver import WorkerDriver
from rprocfs.drivers.worker.ops import WorkerOps
from rprocfs.engines.unicorn.engine import UnicornEngine
from rprocfs.locking import LockClass
from rprocfs.remoteproc.coredump import rproc_coredump_set_elf_info
from rprocfs.remoteproc.state import State

if TYPE_CHECKING:
    from collections.abc import Mapping

    from rprocfs.base.dma import DmaPool
    from rprocfs.base.platform import PlatformDevice
    from rprocfs.base.property import Key
    from rprocfs.drivers.worker.soc import Soc
    from rprocfs.engines.engine import Engine
    from rprocfs.remoteproc.rproc import Remoteproc, Rproc, RprocOps
    from rprocfs.soc.machine import Machine

EM_ARM = 40


class MachineOps(PreloadedOps, WorkerOps):
    """The operations of a core of *soc*, whose mailbox has a workqueue."""

    in_kernel = True

    def __init__(self, soc: Soc, engine: Engine, core: str, elf_machine: int) -> None:
        super().__init__(soc, engine, core, elf_machine)
        self._workqueue = Workqueue(core, LockClass.MBOX_WORK)

    def boot_loader(self, rproc: Rproc, table: memoryview | None = None) -> None:
        """As of any other, and release the core. FirmwareError; OSError."""
        super().boot_loader(rproc, table)
        self.start(rproc)

    def unprepare(self, rproc: Rproc) -> None:
        """Memory keeps what is in it while the board has power."""
        del rproc

    def close(self) -> None:
        """End all of it."""
        super().close()
        self._workqueue.destroy()


Ops = TypeVar("Ops", bound=MachineOps)


class MachineDriver(ModelDriver, WorkerDriver, Generic[Ops]):
    """A platform driver whose processors execute their firmware, or else are models."""

    elf_machine = EM_ARM
    ops: type[Ops]
    properties: ClassVar[Mapping[str, Key]] = {
        **WorkerDriver.properties, **ModelDriver.properties,
    }  # fmt: skip
    of_keys = (*ModelDriver.of_keys, "engine", "console-log", "devices", "gdb", "gdb-halt")
    engines: ClassVar[Mapping[str, type[Engine]]] = {"unicorn": UnicornEngine}

    def __init__(self, subsystem: Remoteproc) -> None:
        ModelDriver.__init__(self, subsystem)
        WorkerDriver.__init__(self, subsystem)

    @abstractmethod
    def find_machine(self, device: PlatformDevice) -> Machine | None:
        """The machine that *device* is a core of; None: there is none for its SoC."""

    def machine_of(self, device: PlatformDevice) -> Machine:
        """The one that :meth:`make` found."""
        machine = self.find_machine(device)
        assert machine is not None
        return machine

    def make(self, device: PlatformDevice) -> Ops | None:
        """The operations of a core that executes its firmware; None for a model. EINVAL.

        The memory of its SoC is that of the board.
        """
        if device.properties.get("services") is not None or self.find_machine(device) is None:
            return None
        ops = self.make_ops(device)
        assert isinstance(ops, self.ops)
        iomem, soc = device.model.iomem, ops.soc
        for bank in soc.machine.bus:
            view = soc.memory.view[bank.offset : bank.offset + bank.size]
            iomem.attach(bank.da, view)
            device.devm_add_action(partial(iomem.detach, view))
        soc.power_on(self.core(device))
        return ops

    def alloc(
        self,
        device: PlatformDevice,
        name: str,
        ops: RprocOps,
        firmware: str | None = None,
        dma: DmaPool | None = None,
    ) -> Rproc:
        """``devm_rproc_alloc``, and the remote side, or a debugger."""
        if not isinstance(ops, MachineOps):
            return super().alloc(device, name, ops, firmware, dma)
        rproc = super().alloc(device, name, ops, firmware, dma or ops.soc.dma)
        if not rproc.model.strict:  # a kernel's driver that says no class makes no dumps
            rproc_coredump_set_elf_info(rproc, ops.elf_class, self.elf_machine)
        self.add_debugger(rproc, ops)
        return rproc

    def boot_loader(
        self,
        device: PlatformDevice,
        rproc: Rproc,
        ops: PreloadedOps,
        table: memoryview | None,
    ) -> bool:
        """Run the boot loader. If it fails, the kernel finds a core that is off."""
        done = super().boot_loader(device, rproc, ops, table)
        if not done and isinstance(ops, MachineOps):
            rproc.state = State.OFFLINE
        return done

    def add(self, device: PlatformDevice, rproc: Rproc, ops: RprocOps) -> None:
        """``devm_rproc_add``, and the files that no kernel has."""
        super().add(device, rproc, ops)
        if isinstance(ops, MachineOps):
            if not rproc.model.strict:
                self.add_files(rproc, ops)
            self.add_console(rproc, ops)
