"""A board's /sys, /proc and /dev as a directory, for the recorder's ``--root``."""

import struct


def put(root, path, content=b""):
    """A file, with the directories above it."""
    where = root / path
    where.parent.mkdir(parents=True, exist_ok=True)
    where.write_bytes(content if isinstance(content, bytes) else content.encode())
    return where


def node(root, path, **properties):
    """A node of the devicetree; ``_`` in a name of a property stands for a dash."""
    base = root / "sys/firmware/devicetree/base" / path
    base.mkdir(parents=True, exist_ok=True)
    for name, value in properties.items():
        data = struct.pack(">I", value) if isinstance(value, int) else value.encode() + b"\0"
        (base / name.replace("_", "-")).write_bytes(data)
    return base


def processor(root, number, device, *, of_node=None, driver="imx-rproc", name="imx-rproc",
              firmware="app.elf", state="offline"):  # fmt: skip
    """``remoteprocN`` of a platform device."""
    here = root / "sys/devices/platform" / device / f"remoteproc/remoteproc{number}"
    for key, value in (("name", name), ("firmware", firmware), ("state", state)):
        put(here, key, value + "\n")
    platform = here.parents[1]
    (here / "device").symlink_to(platform)
    if of_node is not None and not (platform / "of_node").is_symlink():
        (platform / "of_node").symlink_to(root / "sys/firmware/devicetree/base" / of_node)
    if not (platform / "driver").is_symlink():
        drivers = root / "sys/bus/platform/drivers" / driver
        drivers.mkdir(parents=True, exist_ok=True)
        (platform / "driver").symlink_to(drivers)
    link = root / f"sys/class/remoteproc/remoteproc{number}"
    link.parent.mkdir(parents=True, exist_ok=True)
    link.symlink_to(here)
    return here


def channel(root, rproc, name, dst, driver="(null)"):
    """A channel that the processor has announced."""
    device = f"virtio0.{name.replace('/', '_')}.-1.{dst}"
    here = rproc / "rproc-virtio.0.auto/virtio0" / device
    for key, value in (("name", name), ("dst", f"{dst:#x}"), ("driver_override", driver)):
        put(here, key, value + "\n")
    bus = root / "sys/bus/rpmsg/devices"
    bus.mkdir(parents=True, exist_ok=True)
    (bus / device).symlink_to(here)
