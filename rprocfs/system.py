"""One system: a tree with its buses, its classes and its processors.

This is the composition root; everything below knows only what it is given. Two
systems in one process share nothing.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from importlib import import_module
from pathlib import Path
from typing import Any, Self

from rprocfs.base.devcoredump import Devcoredump
from rprocfs.base.firmware import FirmwareLoader
from rprocfs.base.kmsg_dev import kmsg_init
from rprocfs.base.model import DriverModel
from rprocfs.base.module import ModuleInit, Modules, UnknownModuleError
from rprocfs.base.observe import NOTHING, Observe
from rprocfs.base.platform import PlatformBus, PlatformDevice, PlatformDriver
from rprocfs.devicetree.node import OfNode
from rprocfs.entry_point import load_entry_point
from rprocfs.fs.kernfs import Owner, Tree
from rprocfs.kernel import DEFAULT, KernelVersion
from rprocfs.remoteproc.rproc import Remoteproc
from rprocfs.remoteproc.subsystem import remoteproc_init
from rprocfs.rpmsg import Rpmsg
from rprocfs.virtio.virtio import VirtioBus

#: ``compatible`` -> where its platform driver is. Others come from entry points of the
#: group ``rprocfs.drivers``, named by their ``compatible``.
DRIVERS: Mapping[str, str] = {
    "rprocfs,sim": "rprocfs.drivers.sim.driver:SimDriver",
    "rprocfs,cortex-m3": "rprocfs.drivers.cortex_m:CortexMDriver",
    "rprocfs,cortex-m4": "rprocfs.drivers.cortex_m:CortexMDriver",
    "rprocfs,rv32": "rprocfs.drivers.rv32:Rv32Driver",
    "st,stm32mp1-m4": "rprocfs.drivers.stm32_rproc:Stm32RprocDriver",
    "rprocfs,native": "rprocfs.drivers.native:NativeDriver",
    **dict.fromkeys(
        (
            "fsl,imx6sx-cm4", "fsl,imx7d-cm4", "fsl,imx7ulp-cm4", "fsl,imx8mm-cm4",
            "fsl,imx8mn-cm7", "fsl,imx8mn-cm7-mmio", "fsl,imx8mp-cm7", "fsl,imx8mp-cm7-mmio",
            "fsl,imx8mq-cm4", "fsl,imx8qm-cm4", "fsl,imx8qxp-cm4", "fsl,imx8ulp-cm33",
            "fsl,imx93-cm33",
        ),
        "rprocfs.drivers.imx_rproc:ImxRprocDriver",
    ),
    **dict.fromkeys(
        (
            "ti,am3356-pru", "ti,am4376-pru", "ti,am5728-pru", "ti,k2g-pru",
            "ti,am625-pru", "ti,am642-pru", "ti,am642-rtu", "ti,am642-tx-pru",
            "ti,am654-pru", "ti,am654-rtu", "ti,am654-tx-pru",
            "ti,j721e-pru", "ti,j721e-rtu", "ti,j721e-tx-pru",
        ),
        "rprocfs.drivers.pru_rproc:PruDriver",
    ),
    **dict.fromkeys(
        ("ti,am3352-wkup-m3", "ti,am4372-wkup-m3"), "rprocfs.drivers.wkup_m3_rproc:WkupM3Driver"
    ),
    **dict.fromkeys(
        ("xlnx,versal-net-r52f", "xlnx,versal-r5f", "xlnx,zynqmp-r5f"),
        "rprocfs.drivers.xlnx_r5_remoteproc:ZynqmpR5Driver",
    ),
    **dict.fromkeys(
        ("mediatek,mt8183-scp", "mediatek,mt8186-scp", "mediatek,mt8188-scp",
         "mediatek,mt8192-scp", "mediatek,mt8195-scp", "mediatek,scp-core"),
        "rprocfs.drivers.mtk_scp:ScpDriver",
    ),
    "renesas,rcar-cr7": "rprocfs.drivers.rcar_rproc:RcarDriver",
    "ti,am64-m4fss": "rprocfs.drivers.ti_k3_m4_remoteproc:K3M4Driver",
    **dict.fromkeys(
        ("ti,am62-r5f", "ti,am64-r5f", "ti,am654-r5f", "ti,j7200-r5f", "ti,j721e-r5f",
         "ti,j721s2-r5f"),
        "rprocfs.drivers.ti_k3_r5_remoteproc:K3R5Driver",
    ),
    **dict.fromkeys(
        ("ti,am62a-c7xv-dsp", "ti,j721e-c66-dsp", "ti,j721e-c71-dsp", "ti,j721s2-c71-dsp"),
        "rprocfs.drivers.ti_k3_dsp_remoteproc:K3DspDriver",
    ),
}  # fmt: skip

#: Modules and where their init is. Others come from entry points of the group
#: ``rprocfs.modules``.
MODULES: Mapping[str, str] = {
    "rng_core": "rprocfs.base.hw_random:init",
    "rpmsg_client_sample": "rprocfs.rpmsg.client_sample:init",
    "virtio_console": "rprocfs.virtio.console:init",
    "virtio_rng": "rprocfs.virtio.rng:init",
}

#: ``modules.alias``: which device asks for which module. The sample is not in it: a board does
#: not load it, and it would take the channel from the program under test.
ALIASES: Mapping[str, str] = {
    "virtio:d00000003v*": "virtio_console",
    "virtio:d0000000Bv*": "virtio_console",
    "virtio:d00000004v*": "virtio_rng",
}

DriverFactory = Callable[[Remoteproc], PlatformDriver]


class UnknownDriverError(LookupError):
    """No platform driver knows this ``compatible``."""


class System:
    """Everything below one mount.

    *firmware* is the directory that ``lib/firmware`` leads to, that of the images that
    come with the package unless given; what it lacks is looked for in *firmware_lower*.
    *strict*: show nothing that a board would not, but with *console* the processors' consoles,
    and with *inputs* what the outside of them decides.
    *modules* are loaded, each ``NAME [PARAMETER=VALUE ...]``: UnknownModuleError, OSError.
    The tree is *owner*'s, root's unless given. *observe* says what is recorded.
    Unless strict, so is the module of a device that appears, as udev does on a board.
    Close it, or use it as a context manager: that stops every processor.
    """

    def __init__(
        self,
        *,
        strict: bool = False,
        console: bool = False,
        inputs: bool = False,
        version: KernelVersion = DEFAULT,
        firmware: str | os.PathLike[str] | None = None,
        firmware_lower: Sequence[str] = (),
        modules: Sequence[str] = (),
        owner: Owner | None = None,
        observe: Observe = NOTHING,
    ) -> None:
        self.model = DriverModel(
            version, strict=strict, console=console, inputs=inputs, owner=owner, observe=observe
        )
        kmsg_init(self.model)
        self.platform = PlatformBus(self.model)
        self.virtio = VirtioBus(self.model)
        self.rpmsg = Rpmsg(self.model, self.virtio)
        self.loader = FirmwareLoader(self.model, firmware or bundled_firmware(), firmware_lower)
        self.devcoredump = Devcoredump(self.model)
        self.remoteproc = remoteproc_init(
            self.model, self.platform, self.virtio, self.loader, self.devcoredump
        )
        buses = (self.platform, self.virtio, self.rpmsg.bus)
        self.modules = Modules(self.model, buses, find_module, ALIASES)
        for module in modules:
            self.modules.load(module)
        if not strict:
            self.model.request_module = self.modules.request_module
        self._drivers: dict[str, PlatformDriver] = {}
        self._counts: dict[str, int] = {}
        self._closed = False

    @property
    def tree(self) -> Tree:
        """What a transport mounts."""
        return self.model.tree

    def driver(self, compatible: str) -> PlatformDriver:
        """The registered platform driver for *compatible*; UnknownDriverError."""
        for driver in self._drivers.values():
            if compatible in driver.compatible:
                return driver
        return self.add_driver(find_driver(compatible))

    def add_driver(self, factory: DriverFactory) -> PlatformDriver:
        """Register a platform driver of one's own, for its ``compatible``; EBUSY."""
        driver = factory(self.remoteproc)
        self.platform.driver_register(driver)
        self._drivers[driver.name] = driver
        return driver

    def add_processor(
        self, properties: Mapping[str, Any], of_node: OfNode | None = None
    ) -> PlatformDevice:
        """Describe a processor by its *properties* and let its driver probe it.

        ``compatible`` finds the driver. *of_node* is where it stands in a devicetree, and
        ``device-name`` where below ``sys/devices/platform``. UnknownDriverError; EEXIST for
        a device that is there; a probe that fails is in the kernel log, and leaves the
        device without a driver.
        """
        driver = self.driver(properties["compatible"])
        with self.model.lock:
            number = self._counts.get(driver.name, 0)
            self._counts[driver.name] = number + 1
        path = "" if of_node is not None else properties.get("device-name", "")
        device = PlatformDevice(
            self.platform, driver.name, number, properties=dict(properties), of_node=of_node,
            bus_id=path.rpartition("/")[2], parent=self.platform.bus_above(path, of_node),
        )  # fmt: skip
        device.device_add()
        return device

    def settle(self) -> None:
        """Return when the work that was queued for processors is done: boots, crashes, dumps.

        Do not call it from such work, or while an ``inline`` dump waits for its reader.
        """
        for rproc in self.remoteproc.rprocs:
            rproc.workqueue.flush()
        self.devcoredump.flush()

    def close(self) -> None:
        """Stop and remove every processor. May be called twice."""
        if self._closed:
            return
        self._closed = True
        with ExitStack() as stack:
            if self.model.trace is not None:
                stack.callback(self.model.trace.close)
            for device in list(self.platform.devices.values()):
                if not device.auto:  # those go with the devices that made them
                    stack.callback(device.platform_device_del)
            stack.callback(self.devcoredump.close)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_exc: object) -> None:
        self.close()


def bundled_firmware() -> str:
    """The directory of the images that come with the package."""
    return str(Path(__file__).parent / "firmware")


def find_driver(compatible: str) -> DriverFactory:
    """The class behind *compatible*, from the table or from entry points.

    UnknownDriverError; CommandError if its entry point is broken.
    """
    factory: DriverFactory | None = _find(DRIVERS, "rprocfs.drivers", compatible)
    if factory is None:
        raise UnknownDriverError(compatible)
    return factory


def known_compatibles() -> frozenset[str]:
    """Every ``compatible`` that :func:`find_driver` finds something for."""
    from importlib.metadata import entry_points  # noqa: PLC0415 - takes as long as Python itself

    return frozenset(DRIVERS) | frozenset(entry_points(group="rprocfs.drivers").names)


def find_module(name: str) -> ModuleInit:
    """The init of the module, from the table or from entry points.

    UnknownModuleError; CommandError if its entry point is broken.
    """
    init: ModuleInit | None = _find(MODULES, "rprocfs.modules", name)
    if init is None:
        raise UnknownModuleError(name)
    return init


def _find(table: Mapping[str, str], group: str, name: str) -> Any:
    where = table.get(name)
    if where is not None:
        module, _, attribute = where.partition(":")
        return getattr(import_module(module), attribute)
    from importlib.metadata import entry_points  # noqa: PLC0415 - takes as long as Python itself

    for entry in entry_points(group=group, name=name):
        return load_entry_point(entry)
    return None
