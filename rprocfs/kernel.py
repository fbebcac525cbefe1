"""The kernel version to answer as: each difference between versions is a row of one table.

A :class:`Feature` is something that a program, a shell or a firmware can see and that came
with a version. The versions were read from the sources that Debian ships (6.1.4, .176, .180,
.187, .190, .192; 6.12.8, .107, .111, .113, .115 to .117; 6.18.15; 7.1.13; 7.2.13; 7.3.4); a
release between two of those may have got a feature earlier than the table says. No source of
6.6 was at hand: what it has is what mainline had by then.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Feature:
    """One difference: *since* which mainline release (major, minor), and what it is.

    *stable* maps an older release line to the first of its point releases that has it.
    *source* is where it was read.
    """

    name: str
    what: str
    since: tuple[int, int]
    source: str
    stable: Mapping[tuple[int, int], int] = field(default_factory=dict, hash=False)


VIRTIO_RNG_QUALITY = Feature(
    "virtio-rng-quality",
    "the driver of virtio-rng promises 1024 bits of entropy in 1024 instead of 1000",
    (6, 2),
    "drivers/char/hw_random/virtio-rng.c",
)
ELF_CLASS_IN_CAPITALS = Feature(
    "elf-class-in-capitals",
    "a coredump without ELF class says `ELF class is not set` instead of `Elf class ...`",
    (6, 2),
    "drivers/remoteproc/remoteproc_coredump.c",
)
FLOW_CONTROL = Feature(
    "flow-control",
    "RPMSG_GET_OUTGOING_FLOWCONTROL and RPMSG_SET_INCOMING_FLOWCONTROL exist",
    (6, 6),
    "include/uapi/linux/rpmsg.h",
)
FIRMWARE_PATH_LOGGED = Feature(
    "firmware-path-logged",
    "a load that fails with anything but ENOENT says `loading PATH failed with error -E` first",
    (6, 6),
    "drivers/base/firmware_loader/main.c; a patch of Debian silences its 6.1, which was recorded",
)
PROBE_FAILURE_NAMES_DEVICE = Feature(
    "probe-failure-names-device",
    "`DEVICE: probe with driver D failed with error -E`, was `D: probe of DEVICE failed ...`",
    (6, 10),
    "drivers/base/dd.c",
)
CHRDEV_BINDS_OWN_NAME = Feature(
    "chrdev-binds-own-name",
    "rpmsg_chrdev binds channels of the name `rpmsg_chrdev` by itself",
    (6, 18),
    "drivers/rpmsg/rpmsg_char.c",
    {(6, 12): 107},
)
XLNX_R5_NO_RECOVERY = Feature(
    "xlnx-r5-no-recovery",
    "`recovery` of the Cortex-R of Xilinx is `disabled` until it is enabled",
    (6, 18),
    "drivers/remoteproc/xlnx_r5_remoteproc.c, zynqmp_r5_add_rproc_core()",
    {(6, 12): 107},
)
XLNX_R5_NODE_STATUS = Feature(
    "xlnx-r5-node-status",
    "a Cortex-R of Xilinx is `detached` if it runs; before, if its memory had a resource table",
    (7, 1),
    "drivers/remoteproc/xlnx_r5_remoteproc.c, zynqmp_r5_core_init()",
    {(6, 12): 107},
)
K3_R5_SEQUENCE = Feature(
    "k3-r5-sequence",
    "in split mode core 1 of a Cortex-R5F of TI waits for core 0 before it is loaded, and core 0 "
    "stops with or without core 1; before, both were refused at once",
    (6, 18),
    "drivers/remoteproc/ti_k3_r5_remoteproc.c, k3_r5_rproc_prepare(), k3_r5_rproc_unprepare()",
    {(6, 12): 107},
)
FEATURES_OF_128_BITS = Feature(
    "features-of-128-bits",
    "`features` of a virtio device has 128 digits instead of 64",
    (6, 18),
    "drivers/virtio/virtio.c",
)
RPMSG_POLL = Feature(
    "rpmsg-poll",
    "poll(2) on /dev/rpmsgN gives POLLOUT while there is a buffer (virtio_rpmsg_poll)",
    (7, 1),
    "drivers/rpmsg/virtio_rpmsg_bus.c",
)
TX_CALLBACKS_ON = Feature(
    "tx-callbacks-on",
    "the TX ring never asks the remote for silence (VRING_AVAIL_F_NO_INTERRUPT)",
    (7, 1),
    "drivers/rpmsg/virtio_rpmsg_bus.c",
)
XLNX_R5_REGION_RESOURCE = Feature(
    "xlnx-r5-region-resource",
    "a `memory-region` of a Cortex-R of Xilinx that cannot be found ends the list, and is no error",
    (7, 1),
    "drivers/remoteproc/xlnx_r5_remoteproc.c, add_mem_regions_carveout()",
)
SHUTDOWN_WHEN_CRASHED = Feature(
    "shutdown-when-crashed",
    "`stop` is accepted in the state `crashed`; a processor that is removed is `deleting`, which "
    "is no state, and reports no crash any more",
    (7, 2),
    "drivers/remoteproc/remoteproc_core.c, rproc_shutdown(), rproc_del()",
    {(6, 1): 190, (6, 12): 111},
)
ATTACH_WORK = Feature(
    "attach-work",
    "a processor that runs already is attached to behind its registration, by a work",
    (7, 2),
    "drivers/remoteproc/remoteproc_core.c, rproc_trigger_auto_boot()",
    {(6, 1): 190, (6, 12): 111},
)
XLNX_R5_AUTO_BOOT = Feature(
    "xlnx-r5-auto-boot",
    "a Cortex-R of Xilinx is registered when all of it is known; one that runs is attached to, and "
    "one whose node has `firmware-name` boots, by itself",
    (7, 2),
    "drivers/remoteproc/xlnx_r5_remoteproc.c, zynqmp_r5_cluster_init()",
)
ENTRY_OFFSETS_CHECKED = Feature(
    "entry-offsets-checked",
    "an offset of the resource table that leads into its header is `rsc table is truncated`",
    (7, 2),
    "include/linux/rsc_table.h, rsc_table_for_each_entry()",
    {(6, 1): 190, (6, 12): 111},
)
BUILTIN_DRIVER_MODULE = Feature(
    "builtin-driver-module",
    "a built-in platform driver has a link `module`",
    (7, 2),
    "drivers/base/platform.c",
)
SECTION_HEADERS_CHECKED = Feature(
    "section-headers-checked",
    "the ELF sanity check looks at the whole section header table",
    (7, 3),
    "drivers/remoteproc/remoteproc_elf_loader.c, rproc_elf_sanity_check()",
    {(6, 12): 117},
)
XLNX_R5_ATTACH_ON_RECOVERY = Feature(
    "xlnx-r5-attach-on-recovery",
    "`recovery` of a Cortex-R of Xilinx is `enabled`, one that was attached to recovers by that, "
    "and firmware can report a crash in its resource table",
    (7, 3),
    "drivers/remoteproc/xlnx_r5_remoteproc.c, zynqmp_r5_handle_rsc()",
)
DEL_STOPS = Feature(
    "del-stops",
    "removing a processor stops it however often it was started",
    (7, 3),
    "drivers/remoteproc/remoteproc_core.c, rproc_del()",
)

#: What the maintainers of Linux have taken, or are about to, and no release has.
NEXT = (999, 0)
BUFFER_SIZES = Feature(
    "buffer-sizes",
    "VIRTIO_RPMSG_F_BUFSZ (bit 1): the config space of the vdev says how large buffers are",
    NEXT,
    "[PATCH v2] rpmsg: virtio_rpmsg_bus: get buffer size from config space, 2026-04-29",
)

ENDPOINT_FD = Feature(
    "endpoint-fd",
    "RPMSG_CREATE_EPT_FD_IOCTL makes an endpoint that is an open file at once",
    NEXT,
    "[PATCH v5 3/3] rpmsg: ctrl: Introduce RPMSG_CREATE_EPT_FD_IOCTL uAPI, 2025-10-15",
)

#: All of them, oldest first.
FEATURES = (
    VIRTIO_RNG_QUALITY,
    ELF_CLASS_IN_CAPITALS,
    FLOW_CONTROL,
    FIRMWARE_PATH_LOGGED,
    PROBE_FAILURE_NAMES_DEVICE,
    CHRDEV_BINDS_OWN_NAME,
    XLNX_R5_NO_RECOVERY,
    XLNX_R5_NODE_STATUS,
    K3_R5_SEQUENCE,
    FEATURES_OF_128_BITS,
    RPMSG_POLL,
    TX_CALLBACKS_ON,
    XLNX_R5_REGION_RESOURCE,
    SHUTDOWN_WHEN_CRASHED,
    ATTACH_WORK,
    XLNX_R5_AUTO_BOOT,
    ENTRY_OFFSETS_CHECKED,
    BUILTIN_DRIVER_MODULE,
    SECTION_HEADERS_CHECKED,
    XLNX_R5_ATTACH_ON_RECOVERY,
    DEL_STOPS,
    BUFFER_SIZES,
    ENDPOINT_FD,
)


NAMES = {NEXT: "next"}


@dataclass(frozen=True)
class KernelVersion:
    """A release: *line* (major, minor) and *patch*, its number within that line."""

    line: tuple[int, int]
    patch: int

    @property
    def release(self) -> str:
        """The release line, as a user names it: ``6.12``, ``next``."""
        return NAMES.get(self.line) or f"{self.line[0]}.{self.line[1]}"

    @property
    def uname(self) -> str:
        """The whole version, as ``uname -r`` says it: ``6.12.117``; ``next`` has no number yet."""
        return self.release if self.line in NAMES else f"{self.release}.{self.patch}"

    def has(self, feature: Feature) -> bool:
        """Whether this release has it, from mainline or as a backport."""
        first = feature.stable.get(self.line)
        return self.line >= feature.since or (first is not None and self.patch >= first)


LINUX_6_1 = KernelVersion((6, 1), 192)
LINUX_6_6 = KernelVersion((6, 6), 119)
LINUX_6_12 = KernelVersion((6, 12), 118)
LINUX_6_18 = KernelVersion((6, 18), 15)
LINUX_7_1 = KernelVersion((7, 1), 13)
LINUX_7_2 = KernelVersion((7, 2), 13)
LINUX_7_3 = KernelVersion((7, 3), 4)
LINUX_NEXT = KernelVersion(NEXT, 0)

#: The release lines there are, oldest first, each by the newest of its point releases.
KERNELS = (
    LINUX_6_1,
    LINUX_6_6,
    LINUX_6_12,
    LINUX_6_18,
    LINUX_7_1,
    LINUX_7_2,
    LINUX_7_3,
    LINUX_NEXT,
)

DEFAULT = LINUX_6_12

_RELEASE = re.compile(r"(\d{1,3})\.(\d{1,3})(?:\.(\d{1,4}))?", re.ASCII)


def find_kernel(text: str) -> KernelVersion:
    """The release that ``6.12`` (the newest of that line) or ``6.12.107`` names.

    ValueError, with the lines that there are, for anything else.
    """
    if text == LINUX_NEXT.release:
        return LINUX_NEXT
    match = _RELEASE.fullmatch(text)
    if match is not None:
        line = (int(match[1]), int(match[2]))
        for newest in KERNELS:
            if newest.line == line:
                return newest if match[3] is None else KernelVersion(line, int(match[3]))
    known = ", ".join(newest.release for newest in KERNELS)
    raise ValueError(f"{text}: unknown, there are {known} and their point releases")
