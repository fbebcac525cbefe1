"""Which Linux we answer as: every difference between kernel versions stands here."""

from dataclasses import dataclass


@dataclass(frozen=True)
class KernelVersion:
    """What one kernel version does that another does otherwise."""

    release: str
    """The version as a user names it, `6.12`."""
    checks_section_headers: bool
    """The ELF sanity check looks at the whole section header table."""
    elf_class_not_set: str
    """Said instead of a coredump where the driver gave no ELF class."""
    probe_failed_names_device: bool
    """`dev: probe with driver D failed with error -E`, else `D: probe of dev failed with ...`."""
    logs_firmware_path: bool
    """A load that fails with anything but ENOENT logs `loading PATH failed with error -E` first."""
    has_flow_control: bool
    """The rpmsg ioctls RPMSG_{GET_OUTGOING,SET_INCOMING}_FLOWCONTROL exist."""
    chrdev_binds_own_name: bool
    """The rpmsg_chrdev driver binds channels named `rpmsg_chrdev` by itself."""
    virtio_rng_quality: int
    """Bits of entropy in 1024 bits of a virtio-rng."""


LINUX_6_1 = KernelVersion(
    release="6.1",
    checks_section_headers=False,
    elf_class_not_set="Elf class is not set",
    probe_failed_names_device=False,
    logs_firmware_path=False,
    has_flow_control=False,
    chrdev_binds_own_name=False,
    virtio_rng_quality=1000,
)

LINUX_6_12 = KernelVersion(
    release="6.12",
    checks_section_headers=True,
    elf_class_not_set="ELF class is not set",
    probe_failed_names_device=True,
    logs_firmware_path=True,
    has_flow_control=True,
    chrdev_binds_own_name=True,
    virtio_rng_quality=1024,
)

KERNELS = (LINUX_6_1, LINUX_6_12)
"""Those whose answers were recorded, oldest first."""

DEFAULT = LINUX_6_12
