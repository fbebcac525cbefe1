"""Devicetree blobs that are damaged, and trees that mean nothing."""

import functools
import struct

from rprocfs.board import tree
from rprocfs.devicetree.fdt import flatten, unflatten
from rprocfs.devicetree.kobj import of_attach_tree
from rprocfs.devicetree.node import OfNode
from rprocfs.errors import CommandError
from rprocfs.fs.kernfs import Tree
from rprocfs.system import known_compatibles

WORDS = [0, 1, 2, 3, 4, 9, 0x20, 0x1000, 0xD00DFEED, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF]
_NODES = (
    "soc m4@10000000 reserved-memory chosen aliases cpus bus@0 rproc pru@4a334000 r5f@41000000"
    " remoteproc@0 scp@10500000 imx7d-cm4 vdev0buffer@10042000 mailbox firmware core@0 a b c"
)
_PROPERTIES = (
    "compatible status reg reg-names ranges #address-cells #size-cells phandle linux,phandle label"
    " memory-region firmware-name interrupts mboxes mbox-names resets power-domains"
    " st,syscfg-rsc-tbl ti,sci ti,sci-dev-id fsl,auto-boot st,auto-boot sram"
    " xlnx,cluster-mode ti,cluster-mode no-map"
    " ti,sci-proc-ids syscon st,syscfg-holdboot clocks rprocfs,modules rprocfs,firmware-directory"
    " services memory engine watchdog-ms console-log gdb machine m4"
)
_TEXTS = (
    "okay disabled fail rprocfs,sim rprocfs,cortex-m4 simple-bus shared-dma-pool /soc/m4@10000000"
    " virtio_console any tcm 0x1000:0x1000 rpmsg-raw@1024 /tmp/x ../x auto unicorn l2ram"
)
NODES, PROPERTIES, TEXTS = _NODES.split(), _PROPERTIES.split(), _TEXTS.split()


class DtbFuzz:
    """One blob after the other, read as a board is, and shown as ``/sys/firmware/devicetree``."""

    def __init__(self, dice):
        self.dice = dice
        self.replies = 0  # how many were trees
        self._compatibles = sorted(known_compatibles())
        # Entry points are looked for once for each board, and that takes 5 ms.
        self._known = functools.cache(known_compatibles)

    def __enter__(self):
        tree.known_compatibles = self._known
        return self

    def __exit__(self, *_exc):
        tree.known_compatibles = known_compatibles

    def step(self):
        """One blob. It is a board, or there is one line that says what is wrong with it."""
        blob = flatten(self._tree())
        for _ in range(self.dice.choice([0, 1, 1, 1, 2, 5])):
            blob = self._damage(blob)
        try:
            board = tree.load_tree("board.dtb", blob)
        except CommandError as refusal:
            assert "\n" not in str(refusal), refusal
            return
        self.replies += 1
        of_attach_tree(Tree().root.mkdirs("sys"), board.root, blob)
        again = unflatten(flatten(board.root))
        assert flatten(again) == flatten(board.root)

    def _tree(self):
        dice, root = self.dice, OfNode()
        nodes = [root]
        for _ in range(dice.randrange(9)):
            parent, name = dice.choice(nodes), dice.choice(NODES)
            if name not in parent.children:
                nodes.append(OfNode(name, parent))
        for node in nodes:
            for _ in range(dice.randrange(6)):
                node.properties[dice.choice(PROPERTIES)] = self._value()
            if dice.random() < 0.4:
                node.properties["compatible"] = dice.choice(self._compatibles).encode() + b"\0"
        return root

    def _value(self):
        dice = self.dice
        kind = dice.randrange(4)
        if kind == 0:
            return b""
        if kind == 1:
            texts = dice.sample([*TEXTS, *self._compatibles], dice.randrange(1, 4))
            return b"".join(text.encode() + b"\0" for text in texts)
        if kind == 2:
            count = dice.randrange(1, 9)
            return b"".join(struct.pack(">I", dice.choice(WORDS)) for _ in range(count))
        return dice.randbytes(dice.randrange(20))

    def _damage(self, blob):
        dice, at = self.dice, self.dice.randrange(len(blob) + 1)
        kind = dice.randrange(5)
        if kind == 0:
            return blob[:at]
        if kind == 1:
            return blob[:at] + dice.randbytes(dice.randrange(1, 9)) + blob[at:]
        if kind == 2:
            end = min(len(blob), at + dice.randrange(1, 64))
            return blob[:at] + blob[end:]
        if kind == 3:  # a word of the header, or any
            at = dice.choice([at & ~3, dice.randrange(10) * 4])
            return blob[:at] + struct.pack(">I", dice.choice(WORDS)) + blob[at + 4 :]
        return blob[:at] + dice.randbytes(1) + blob[at + 1 :]
