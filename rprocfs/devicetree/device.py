"""What a device that was made from a node tells userspace -- drivers/of/device.c, platform.c."""

from __future__ import annotations

import re

from rprocfs.devicetree.address import translate_address
from rprocfs.devicetree.node import OfNode

#: of_alias_scan() only keeps names that end in a number.
_ALIAS = re.compile(r".+?[0-9]+")


def of_device_make_bus_id(node: OfNode) -> str:
    """``ADDRESS.NAME``; without an address the names of the nodes above, ``soc:NAME``."""
    name = ""
    above: OfNode | None = node
    while above is not None and above.parent is not None:
        address = translate_address(above)
        if address is not None:
            return f"{address:x}.{above.base_name}" + (f":{name}" if name else "")
        name = f"{above.name}:{name}" if name else above.name
        above = above.parent
    return name


def of_device_modalias(node: OfNode) -> str:
    """``of:NnameT(null)Cvendor,part``: what ``modprobe`` would be asked for."""
    kind = node.string("device_type") or "(null)"
    compatible = "".join(f"C{text}" for text in node.strings("compatible"))
    return f"of:N{node.base_name}T{kind}{compatible.replace(' ', '_')}"


def of_device_uevent(node: OfNode) -> dict[str, str]:
    """The keys ``OF_*``."""
    env = {"OF_NAME": node.base_name, "OF_FULLNAME": node.path}
    kind = node.string("device_type")
    if kind:
        env["OF_TYPE"] = kind
    compatible = node.strings("compatible")
    env |= {f"OF_COMPATIBLE_{number}": text for number, text in enumerate(compatible)}
    env["OF_COMPATIBLE_N"] = str(len(compatible))
    names = [name for name, target in node.aliases().items() if target is node]
    numbered = [name for name in names if _ALIAS.fullmatch(name)]
    return env | {f"OF_ALIAS_{number}": name for number, name in enumerate(numbered)}
