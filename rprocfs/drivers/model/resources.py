"""What other drivers give to that of a processor, as far as a devicetree tells."""

from __future__ import annotations

import errno
from typing import TYPE_CHECKING

from rprocfs.base.dd import EPROBE_DEFER
from rprocfs.devicetree.phandle import parse_phandles_with_args

if TYPE_CHECKING:
    from rprocfs.base.platform import PlatformDevice
    from rprocfs.devicetree.node import OfNode


def mbox_request_channel(node: OfNode, index: int) -> int:
    """``mbox_request_channel``: 0, or the errno. -- drivers/mailbox/mailbox.c

    ENODEV: the node has no such mailbox; EPROBE_DEFER: its controller is not there.
    """
    mboxes = parse_phandles_with_args(node, "mboxes", "#mbox-cells")
    if index >= len(mboxes):
        return errno.ENODEV
    return 0 if mboxes[index].node.available else EPROBE_DEFER


def mbox_request_channel_byname(device: PlatformDevice, node: OfNode, name: str) -> int:
    """``mbox_request_channel_byname``: EINVAL if ``mbox-names`` lacks it."""
    if not node.flag("mbox-names"):
        device.err('mbox_request_channel_byname() requires an "mbox-names" property')
        return errno.EINVAL
    names = node.strings("mbox-names")
    if name not in names:
        device.err(f'mbox_request_channel_byname() could not locate channel named "{name}"')
        return errno.EINVAL
    return mbox_request_channel(node, names.index(name))


def clk_get(node: OfNode) -> int:
    """``clk_get(dev, NULL)``: 0, or the errno. -- drivers/clk/clk.c

    ENOENT: the node has no clock; EPROBE_DEFER: who provides it is not there.
    """
    clocks = parse_phandles_with_args(node, "clocks", "#clock-cells")
    if not clocks:
        return errno.ENOENT
    return 0 if clocks[0].node.available else EPROBE_DEFER
