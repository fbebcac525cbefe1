"""Every key of a board file, its type and what it means.

The same keys are the attributes of ``sys/kernel/config/remoteproc/NAME`` and the
properties of a devicetree's nodes.
"""

from __future__ import annotations

from collections.abc import Mapping

from rprocfs.base.property import Key

#: The keys of ``[[remoteproc]]`` that all drivers have. Those of a driver are its ``properties``.
PROCESSOR: Mapping[str, Key] = {
    "compatible": Key(str, "what it is: finds its driver"),
    "label": Key(str, "what the file `name` says"),
    "phandle": Key(int, "its number for rproc_get_by_phandle()"),
    "firmware-name": Key(str, "the image that is booted by default; else rproc-LABEL-fw"),
    "auto-boot": Key(bool, "boot when it is there"),
    "device-name": Key(str, "its platform device: a path below sys/devices/platform"),
    "memory-region": Key(list, "labels of [[reserved-memory]] that it uses"),
}

#: The keys of ``[[reserved-memory]]``.
REGION: Mapping[str, Key] = {
    "label": Key(str, "what memory-region calls it"),
    "da": Key(int, "where the processor sees it"),
    "pa": Key(int, "where the bus does; else the same"),
    "size": Key(int, "in bytes"),
}

#: The keys of ``[soc]``: files of ``sys/devices/soc0`` -- drivers/base/soc.c.
SOC: Mapping[str, Key] = {
    name: Key(str, f"sys/devices/soc0/{name}")
    for name in ("machine", "family", "revision", "serial_number", "soc_id")
}

#: The keys of ``[[rule]]``: whose a node is, as udev(7) would have it.
RULE: Mapping[str, Key] = {
    "node": Key(str, "a pattern of names in dev/, such as rpmsg[0-9]*"),
    "subsystem": Key(str, "instead: the devices of this class or bus"),
    "name": Key(str, "and only those whose attribute `name`, or that of one above, is like this"),
    "attributes": Key(list, "with subsystem: which of their files"),
    "driver": Key(str, "with subsystem: the driver that they are given (driver_override)"),
    "symlink": Key(str, "with node: a link in dev/, such as remoteproc/%k or rpmsg_pru$attr{dst}"),
    "owner": Key(str, "a user's name or number"),
    "group": Key(str, "a group's name or number"),
    "mode": Key(str, "permissions, octal: 0660"),
}

#: The keys of the file itself.
TOP: Mapping[str, Key] = {
    "description": Key(str, "one line, for `rprocfs board list`"),
    "extends": Key(str, "the board that this one changes: a file, or the name of an included one"),
    "devicetree": Key(
        str,
        "a flattened one whose processors it has: a file, relative to this, or data:;base64,...",
    ),
    "firmware-directory": Key(str, "where images are, relative to this file; else /lib/firmware"),
    "kernel": Key(str, "the kernel to answer as, unless -o kernel says otherwise"),
    "modules": Key(list, "drivers that are loaded from the start, NAME [PARAMETER=VALUE]"),
    "soc": Key(dict, "what sys/devices/soc0 says"),
    "aliases": Key(
        dict,
        "NAME = LABEL: links dev/remoteproc/NAME to a processor's node; LABEL/: to its directory",
    ),
    "remoteproc": Key(tuple, "a processor, [[remoteproc]]"),
    "reserved-memory": Key(tuple, "a memory, [[reserved-memory]]"),
    "rule": Key(tuple, "whose nodes are, [[rule]]"),
}
