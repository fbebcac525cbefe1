"""rprocfs: the Linux remoteproc framework in userspace.

The public names of the framework, by ``from rprocfs import ...``. A name is imported when it
is first asked for, so that a command that needs none of them starts without them.
"""

from __future__ import annotations

# Every worker of an engine begins with this module: typing and importlib take 8 ms.
TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from rprocfs.base.platform import PlatformDevice, PlatformDriver
    from rprocfs.kernel import KernelVersion
    from rprocfs.remoteproc.core import (
        devm_rproc_add,
        devm_rproc_alloc,
        rproc_add,
        rproc_alloc,
        rproc_boot,
        rproc_del,
        rproc_detach,
        rproc_get_by_phandle,
        rproc_set_firmware,
        rproc_shutdown,
    )
    from rprocfs.remoteproc.coredump import rproc_coredump_add_segment, rproc_coredump_set_elf_info
    from rprocfs.remoteproc.errors import FirmwareError
    from rprocfs.remoteproc.memory import rproc_mem_entry_init
    from rprocfs.remoteproc.recovery import rproc_report_crash
    from rprocfs.remoteproc.rproc import (
        Remoteproc,
        Rproc,
        RprocMemEntry,
        RprocOps,
        rproc_add_carveout,
        rproc_da_to_va,
        rproc_put,
        rproc_vq_interrupt,
    )
    from rprocfs.remoteproc.state import CrashType, State
    from rprocfs.remoteproc.subdev import RprocSubdev
    from rprocfs.rpmsg.core import ChannelInfo, RpmsgDevice, RpmsgDriver, RpmsgEndpoint
    from rprocfs.system import System
    from rprocfs.virtio.virtio import VirtioDevice, VirtioDriver

__version__ = "0.2.0"

__all__ = [
    "ChannelInfo",
    "CrashType",
    "FirmwareError",
    "KernelVersion",
    "PlatformDevice",
    "PlatformDriver",
    "Remoteproc",
    "RpmsgDevice",
    "RpmsgDriver",
    "RpmsgEndpoint",
    "Rproc",
    "RprocMemEntry",
    "RprocOps",
    "RprocSubdev",
    "State",
    "System",
    "VirtioDevice",
    "VirtioDriver",
    "devm_rproc_add",
    "devm_rproc_alloc",
    "rproc_add",
    "rproc_add_carveout",
    "rproc_alloc",
    "rproc_boot",
    "rproc_coredump_add_segment",
    "rproc_coredump_set_elf_info",
    "rproc_da_to_va",
    "rproc_del",
    "rproc_detach",
    "rproc_get_by_phandle",
    "rproc_mem_entry_init",
    "rproc_put",
    "rproc_report_crash",
    "rproc_set_firmware",
    "rproc_shutdown",
    "rproc_vq_interrupt",
]

#: Where each of them is.
_HOMES = {
    "PlatformDevice": "rprocfs.base.platform",
    "PlatformDriver": "rprocfs.base.platform",
    "KernelVersion": "rprocfs.kernel",
    "devm_rproc_add": "rprocfs.remoteproc.core",
    "devm_rproc_alloc": "rprocfs.remoteproc.core",
    "rproc_add": "rprocfs.remoteproc.core",
    "rproc_alloc": "rprocfs.remoteproc.core",
    "rproc_boot": "rprocfs.remoteproc.core",
    "rproc_del": "rprocfs.remoteproc.core",
    "rproc_detach": "rprocfs.remoteproc.core",
    "rproc_get_by_phandle": "rprocfs.remoteproc.core",
    "rproc_set_firmware": "rprocfs.remoteproc.core",
    "rproc_shutdown": "rprocfs.remoteproc.core",
    "rproc_coredump_add_segment": "rprocfs.remoteproc.coredump",
    "rproc_coredump_set_elf_info": "rprocfs.remoteproc.coredump",
    "FirmwareError": "rprocfs.remoteproc.errors",
    "rproc_mem_entry_init": "rprocfs.remoteproc.memory",
    "rproc_report_crash": "rprocfs.remoteproc.recovery",
    "Remoteproc": "rprocfs.remoteproc.rproc",
    "Rproc": "rprocfs.remoteproc.rproc",
    "RprocMemEntry": "rprocfs.remoteproc.rproc",
    "RprocOps": "rprocfs.remoteproc.rproc",
    "rproc_add_carveout": "rprocfs.remoteproc.rproc",
    "rproc_da_to_va": "rprocfs.remoteproc.rproc",
    "rproc_put": "rprocfs.remoteproc.rproc",
    "rproc_vq_interrupt": "rprocfs.remoteproc.rproc",
    "CrashType": "rprocfs.remoteproc.state",
    "State": "rprocfs.remoteproc.state",
    "RprocSubdev": "rprocfs.remoteproc.subdev",
    "ChannelInfo": "rprocfs.rpmsg.core",
    "RpmsgDevice": "rprocfs.rpmsg.core",
    "RpmsgDriver": "rprocfs.rpmsg.core",
    "RpmsgEndpoint": "rprocfs.rpmsg.core",
    "System": "rprocfs.system",
    "VirtioDevice": "rprocfs.virtio.virtio",
    "VirtioDriver": "rprocfs.virtio.virtio",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module  # noqa: PLC0415 - see above

    value = globals()[name] = getattr(import_module(_HOMES[name]), name)
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
