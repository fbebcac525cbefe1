"""The remoteproc subsystem of one system, with its faces to userspace -- remoteproc_init().

The one module that knows all faces of a processor: sysfs, ``/dev/remoteprocN``, debugfs.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from rprocfs.remoteproc import sysfs
from rprocfs.remoteproc.cdev import rproc_cdev_open
from rprocfs.remoteproc.debugfs import rproc_create_debug_dir
from rprocfs.remoteproc.rproc import Remoteproc
from rprocfs.remoteproc.statics import Faces
from rprocfs.remoteproc.virtio import RprocVirtioDriver

if TYPE_CHECKING:
    from rprocfs.base.devcoredump import Devcoredump
    from rprocfs.base.firmware import FirmwareLoader
    from rprocfs.base.model import DriverModel
    from rprocfs.base.platform import PlatformBus
    from rprocfs.virtio.virtio import VirtioBus


def remoteproc_init(
    model: DriverModel,
    platform: PlatformBus,
    virtio: VirtioBus,
    loader: FirmwareLoader,
    devcoredump: Devcoredump,
) -> Remoteproc:
    """The remoteproc subsystem of *model*; its vdevs are bound on *platform*."""
    faces = Faces(sysfs.ATTRIBUTES, rproc_cdev_open, rproc_create_debug_dir)
    subsystem = Remoteproc(model, platform, virtio, loader, devcoredump, faces)
    platform.driver_register(RprocVirtioDriver())
    return subsystem
