#!/usr/bin/env python3
"""Write a board file of this board: ``ssh BOARD python3 - < recorder.py > board.toml``.

Needs Python 3.6 and nothing else. Only reads: /sys, /proc, the names, owners and links of /dev
(no device is opened), and the images that processors name, if they are wanted. A file that has
an effect when it is read is left alone: traces, coredumps and endpoints. Everything that is read
may be hostile: sizes, depth and time are limited, and text is printable.

Exit status: 0; 1 if there is nothing to record, after one line on stderr; 2 for wrong usage.
What is left out is said on stderr.
"""

import argparse
import base64
import io
import json
import os
import re
import signal
import stat
import struct
import sys
import tarfile
from contextlib import contextmanager
from typing import Any, Dict, Iterator, List, Optional, Tuple

CLASS = "sys/class/remoteproc"
DEBUG = "sys/kernel/debug/remoteproc"
TREE = "sys/firmware/devicetree/base"

#: What rprocfs has drivers for, by ``compatible``; and of these, whose firmware it executes.
KNOWN = (
    "fsl,imx6sx-cm4 fsl,imx7d-cm4 fsl,imx7ulp-cm4 fsl,imx8mm-cm4 fsl,imx8mn-cm7 "
    "fsl,imx8mn-cm7-mmio fsl,imx8mp-cm7 fsl,imx8mp-cm7-mmio fsl,imx8mq-cm4 fsl,imx8qm-cm4 "
    "fsl,imx8qxp-cm4 fsl,imx8ulp-cm33 fsl,imx93-cm33 mediatek,mt8183-scp mediatek,mt8186-scp "
    "mediatek,mt8188-scp mediatek,mt8192-scp mediatek,mt8195-scp mediatek,scp-core "
    "renesas,rcar-cr7 rprocfs,cortex-m3 rprocfs,cortex-m4 rprocfs,native rprocfs,rv32 rprocfs,sim "
    "st,stm32mp1-m4 ti,am3352-wkup-m3 ti,am3356-pru ti,am4372-wkup-m3 ti,am4376-pru "
    "ti,am5728-pru ti,am62-r5f ti,am625-pru ti,am62a-c7xv-dsp ti,am64-m4fss ti,am64-r5f "
    "ti,am642-pru ti,am642-rtu ti,am642-tx-pru ti,am654-pru ti,am654-r5f ti,am654-rtu "
    "ti,am654-tx-pru ti,j7200-r5f ti,j721e-c66-dsp ti,j721e-c71-dsp ti,j721e-pru ti,j721e-r5f "
    "ti,j721e-rtu ti,j721e-tx-pru ti,j721s2-c71-dsp ti,j721s2-r5f ti,k2g-pru "
    "xlnx,versal-net-r52f xlnx,versal-r5f xlnx,zynqmp-r5f"
).split()
EXECUTED = (
    "fsl,imx8mm-cm4 fsl,imx8mn-cm7 fsl,imx8mn-cm7-mmio fsl,imx8mp-cm7 fsl,imx8mp-cm7-mmio "
    "fsl,imx8mq-cm4 rprocfs,cortex-m3 rprocfs,cortex-m4 rprocfs,native rprocfs,rv32 "
    "st,stm32mp1-m4 xlnx,zynqmp-r5f"
).split()
#: The driver of rprocfs's own that a processor without a devicetree has, and what describes it.
OWN = {"rproc-cortex-m": "rprocfs,cortex-m4", "rproc-rv32": "rprocfs,rv32"}
#: The lines of kernels that rprocfs answers as, oldest first.
KERNELS = ((6, 1), (6, 6), (6, 12), (6, 18), (7, 1), (7, 2), (7, 3))
#: Modules that a driver of a channel or a virtio device is of.
MODULES = {
    "rpmsg": ("rpmsg_client_sample",),
    "virtio": ("virtio_console", "virtio_rng"),
}

#: Properties that tell one board from another, or hold secrets.
PRIVATE = re.compile(
    r"(.*[-,])?(mac-address|bd-address|serial-number|serialno|seed|password)|security-.*"
)
#: Limits: bytes of an attribute, of the tree, of an image; depth; entries; seconds for a read.
ATTRIBUTE, TREE_SIZE, IMAGE = 1 << 16, 1 << 20, 64 << 20
DEPTH, ENTRIES, PATIENCE = 64, 4096, 10.0

NODE_NAME = re.compile(r"[0-9A-Za-z,._+\-]+(@[0-9A-Za-z,._+\-]+)?")
PROPERTY_NAME = re.compile(r"[0-9A-Za-z,._+?#\-]+")
DEV_NODE = re.compile(r"(remoteproc|rpmsg_ctrl|rpmsg|ttyRPMSG)[0-9]+")
#: Directories of /dev that have no link to such a node, and may be large.
DEV_SKIPPED = {"block", "bus", "char", "disk", "dri", "fd", "hugepages", "input", "mqueue", "pts",
               "shm", "snd"}  # fmt: skip
SERVICE = re.compile(r"[!-?A-~]{1,32}")
LOCAL_CHANNELS = ("rpmsg_ctrl", "rpmsg_ns", "rpmsg_chrdev")


class RecordError(Exception):
    """There is nothing to record; the text says why."""


def clean(text):  # type: (str) -> str
    """The *text*, with a question mark for all that does not print."""
    return "".join(char if char.isprintable() else "?" for char in text)


class Files:
    """The files below *root*, none of which a reader should trust. *notes* tell what was left."""

    def __init__(self, root):  # type: (str) -> None
        self.root = os.path.realpath(root)
        self.notes = []  # type: List[str]

    def note(self, text):  # type: (str) -> None
        """Remember what is left out, once."""
        if clean(text) not in self.notes:
            self.notes.append(clean(text))

    def names(self, path):  # type: (str) -> List[str]
        """What a directory has, sorted; nothing if it cannot be read."""
        try:
            found = sorted(os.listdir(os.path.join(self.root, path)))
        except (FileNotFoundError, NotADirectoryError):
            return []
        except OSError as failure:
            self.note("%s: %s" % (path, failure.strerror))
            return []
        if len(found) > ENTRIES:
            self.note("%s: only %d of %d entries" % (path, ENTRIES, len(found)))
        return found[:ENTRIES]

    def read(self, path, limit=ATTRIBUTE):  # type: (str, int) -> Optional[bytes]
        """The bytes of a regular file, at most *limit*; None if there are none to be had."""
        where = os.path.join(self.root, path)
        try:
            if not stat.S_ISREG(os.stat(where).st_mode):
                return None
            with within(PATIENCE), io.open(where, "rb", buffering=0, opener=opener) as file:
                data = read_all(file, limit)
        except (FileNotFoundError, NotADirectoryError):
            return None
        except OSError as failure:
            self.note("%s: %s" % (path, failure.strerror or failure))
            return None
        if len(data) > limit:
            self.note("%s: more than %d bytes" % (path, limit))
            return None
        return data

    def text(self, path):  # type: (str) -> str
        """What an attribute says, in one line that prints."""
        data = self.read(path) or b""
        return clean(data.decode("utf-8", "replace").rstrip("\n"))

    def lines(self, path):  # type: (str) -> List[str]
        """The lines of a file."""
        return (self.read(path) or b"").decode("utf-8", "replace").splitlines()

    def resolve(self, path):  # type: (str) -> str
        """Where *path* leads to, from the root; empty if that is outside or nowhere."""
        found = os.path.realpath(os.path.join(self.root, path))
        inside = self.root.rstrip("/") + "/"
        return found[len(inside) :] if found.startswith(inside) and os.path.exists(found) else ""


def opener(path, flags):  # type: (str, int) -> int
    """Never wait in open(2), and never get a terminal by it."""
    return os.open(path, flags | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC)


def read_all(file, limit):  # type: (Any, int) -> bytes
    """The bytes of an open file, or *limit* + 1 of them."""
    parts = []
    left = limit + 1
    while left > 0:
        part = file.read(min(left, 1 << 16))
        if not part:
            break
        parts.append(part)
        left -= len(part)
    return b"".join(parts)


def alarmed(_number, _frame):  # type: (int, object) -> None
    """SIGALRM: see :func:`within`."""
    raise TimeoutError(None, "no answer within %d s" % PATIENCE)


@contextmanager
def within(seconds):  # type: (float) -> Iterator[None]
    """TimeoutError in the block after *seconds*. Another timer goes on afterwards."""
    before = signal.signal(signal.SIGALRM, alarmed)
    left = signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, *left)
        signal.signal(signal.SIGALRM, before)


class Node:
    """A node of the devicetree: *path* is that of its directory below the base."""

    def __init__(self, name, path):  # type: (str, str) -> None
        self.name = name
        self.path = path
        self.properties = {}  # type: Dict[str, bytes]
        self.children = []  # type: List[Node]

    def strings(self, name):  # type: (str) -> List[str]
        """The strings of a property."""
        value = self.properties.get(name, b"").rstrip(b"\0")
        return [clean(part.decode("utf-8", "replace")) for part in value.split(b"\0") if part]

    def compatible(self):  # type: () -> Optional[str]
        """By which rprocfs knows it."""
        return next((text for text in self.strings("compatible") if text in KNOWN), None)

    def walk(self):  # type: () -> Iterator[Node]
        """This node and all below."""
        yield self
        for child in self.children:
            for node in child.walk():
                yield node


class TreeReader:
    """``/sys/firmware/devicetree/base``."""

    def __init__(self, files):  # type: (Files) -> None
        self.files = files
        self.left = TREE_SIZE

    def read(self):  # type: () -> Optional[Node]
        """The root, None if this board has no devicetree; RecordError for one that is too big."""
        if not self.files.names(TREE):
            return None
        root = Node("", "")
        self._fill(root, 0)
        return root

    def _fill(self, node, depth):  # type: (Node, int) -> None
        here = os.path.join(TREE, node.path) if node.path else TREE
        for name in self.files.names(here):
            path = os.path.join(here, name)
            mode = os.lstat(os.path.join(self.files.root, path)).st_mode
            if stat.S_ISDIR(mode):
                self._child(node, name, depth)
            elif stat.S_ISREG(mode):
                self._property(node, name, path)

    def _child(self, node, name, depth):  # type: (Node, str, int) -> None
        real = re.sub(r"#[0-9]+$", "", name)  # safe_name(): a property has this name, too
        path = os.path.join(node.path, name)
        self._spend(len(real) + 16)
        if not NODE_NAME.fullmatch(real) or depth == DEPTH or real in (".", ".."):
            self.files.note("devicetree: /%s: no name of a node, or too deep" % path)
        elif real not in [child.name for child in node.children]:
            node.children.append(Node(real, path))
            self._fill(node.children[-1], depth + 1)

    def _property(self, node, name, path):  # type: (Node, str, str) -> None
        own = node.name.partition("@")[0].encode("ascii") + b"\0"
        if PRIVATE.fullmatch(name) or (node.path == "chosen" and name not in
                                       ("stdout-path", "name", "phandle")):  # fmt: skip
            self.files.note("devicetree: /%s: private" % os.path.join(node.path, name))
            return
        if not PROPERTY_NAME.fullmatch(name) or name in (".", ".."):
            self.files.note("devicetree: /%s: no name" % os.path.join(node.path, name))
            return
        value = self.files.read(path, TREE_SIZE)
        if value is None or (name == "name" and value == own):  # the kernel adds it
            return
        self._spend(len(value) + len(name) + 16)
        node.properties[name] = value

    def _spend(self, size):  # type: (int) -> None
        self.left -= size
        if self.left < 0:
            raise RecordError("the devicetree has more than %d bytes" % TREE_SIZE)


def flatten(root):  # type: (Node) -> bytes
    """The tree as a blob: Devicetree Specification 0.4, chapter 5."""
    strings = {}  # type: Dict[str, int]
    names = bytearray()
    blocks = bytearray()

    def add(node):  # type: (Node) -> None
        blocks.extend(struct.pack(">I", 1) + padded(node.name.encode("ascii") + b"\0"))
        for name, value in sorted(node.properties.items()):
            if name not in strings:
                strings[name] = len(names)
                names.extend(name.encode("ascii") + b"\0")
            blocks.extend(struct.pack(">3I", 3, len(value), strings[name]) + padded(value))
        for child in node.children:
            add(child)
        blocks.extend(struct.pack(">I", 2))

    add(root)
    blocks.extend(struct.pack(">I", 9))
    start = 40 + 16  # the header, and an empty list of reserved memory
    total = start + len(blocks) + len(names)
    header = struct.pack(">10I", 0xD00DFEED, total, start, start + len(blocks), 40,
                         17, 16, 0, len(names), len(blocks))  # fmt: skip
    return header + bytes(16) + bytes(blocks) + bytes(names)


def padded(data):  # type: (bytes) -> bytes
    """To a multiple of four bytes."""
    return data + bytes(-len(data) % 4)


class Processor:
    """``/sys/class/remoteproc/remoteprocN``: what it says, and what is behind it."""

    def __init__(self, files, number, tree):  # type: (Files, int, Optional[Node]) -> None
        here = "%s/remoteproc%d" % (CLASS, number)
        self.number = number
        self.name = "remoteproc%d" % number
        self.label = files.text(here + "/name") or self.name
        self.firmware = files.text(here + "/firmware")
        self.state = files.text(here + "/state")
        self.driver = clean(os.path.basename(files.resolve(here + "/device/driver")))
        above = files.resolve(here).partition("/remoteproc/")[0]
        prefix = "sys/devices/platform/"
        self.device = above[len(prefix) :] if above.startswith(prefix) else ""
        of_node = files.resolve(here + "/device/of_node")
        nodes = {os.path.join(TREE, node.path): node for node in tree.walk()} if tree else {}
        self.node = nodes.get(of_node)
        self.known = self.node.compatible() if self.node else None
        debug = "%s/%s" % (DEBUG, self.name)
        self.traces = [n for n in files.names(debug) if re.match(r"trace[0-9]+$", n)]
        self.carveouts = carveouts(files.lines(debug + "/carveout_memories"))
        self.resources = [line.split()[-1] for line in files.lines(debug + "/resource_table")
                          if re.match(r"Entry [0-9]+ is of type [\w-]+$", line)]  # fmt: skip
        self.channels = []  # type: List[Channel]

    def services(self):  # type: () -> str
        """The channels that the remote side announced, as rprocfs writes them."""
        pairs = {"%s@%d" % (channel.name, channel.dst) for channel in self.channels
                 if SERVICE.fullmatch(channel.name) and channel.dst < 0xFFFFFFFF}  # fmt: skip
        return " ".join(sorted(pairs, key=lambda pair: (int(pair.rpartition("@")[2]), pair)))


def carveouts(lines):  # type: (List[str]) -> List[str]
    """``NAME DA+LENGTH`` of each of debugfs's ``carveout_memories``."""
    found = []
    for line in lines:
        key, _, value = line.strip().partition(": ")
        if key == "Name":
            found.append(clean(value))
        elif found and key == "Device address":
            found[-1] += " " + clean(value)
        elif found and key == "Length":
            found[-1] += "+" + clean(value.split()[0] if value.split() else "?")
    return found


class Channel:
    """A device of the bus rpmsg."""

    def __init__(self, files, device):  # type: (Files, str) -> None
        here = "sys/bus/rpmsg/devices/%s" % device
        self.name = files.text(here + "/name")
        self.dst = number(files.text(here + "/dst"))
        self.override = files.text(here + "/driver_override")
        found = re.search(r"/remoteproc/(remoteproc[0-9]+)/", files.resolve(here))
        self.processor = found.group(1) if found else ""


def number(text):  # type: (str) -> int
    """A hexadecimal number of an attribute, -1U if it is none."""
    return int(text, 16) if re.fullmatch(r"0x[0-9a-fA-F]{1,8}", text) else 0xFFFFFFFF


class Recording:
    """All that a board file says."""

    def __init__(self, files, release):  # type: (Files, str) -> None
        self.files = files
        self.release = release
        self.tree = TreeReader(files).read()
        there = [re.match(r"remoteproc([0-9]{1,9})$", name) for name in files.names(CLASS)]
        numbers = sorted(int(match.group(1)) for match in there if match)
        self.processors = [Processor(files, number, self.tree) for number in numbers]
        channels = [Channel(files, name) for name in files.names("sys/bus/rpmsg/devices")]
        self.channels = [one for one in channels if one.name not in LOCAL_CHANNELS]
        for processor in self.processors:
            processor.channels = [one for one in self.channels if one.processor == processor.name]
        if not self.processors and not files.names(CLASS):
            files.note("%s: no processor, so this is only its devicetree" % CLASS)
        if not self.processors and self.tree is None:
            raise RecordError("%s: no processor, and no devicetree" % CLASS)
        if self.tree is not None:
            self._order(self.tree)
            self._disable(self.tree, None)

    def _order(self, node):  # type: (Node) -> float
        """The processors in the order of their numbers; the first number below *node*."""
        first = {id(child): self._order(child) for child in node.children}
        node.children.sort(key=lambda child: (first[id(child)], natural(child.name)))
        own = [p.number for p in self.processors if p.node is node]
        return min([float(one) for one in own] + list(first.values()) + [float("inf")])

    def _disable(self, node, parent):  # type: (Node, Optional[Node]) -> None
        """No processor where this board has none: its driver is missing, or has failed."""
        bound = [p.node for p in self.processors]
        lockstep = parent is not None and any("r5" in text and "ss" in text
                                              for text in parent.strings("compatible"))  # fmt: skip
        beside = parent is not None and any(child in bound for child in parent.children)
        available = node.strings("status") in ([], ["okay"], ["ok"])
        if node.compatible() and node not in bound and available and not (lockstep and beside):
            node.properties["status"] = b"disabled\0"
            self.files.note("devicetree: /%s: no driver is bound, it is disabled" % node.path)
        for child in node.children:
            self._disable(child, node)

    def text(self, directory):  # type: (Optional[str]) -> str
        """The board file; *directory* is where its images are."""
        lines = ["# Recorded by rprocfs record from /sys, /proc and /dev of a board."]
        tables = [line for processor in self.processors for line in self._processor(processor)]
        model = " ".join(self.tree.strings("model")[:1]) if self.tree else ""
        lines += pairs([("description", (model or "a board")[:200] + ", recorded")])
        lines += self._kernel()
        lines += pairs([("firmware-directory", directory)] if directory else [])
        modules = [name for bus in sorted(MODULES) for name in MODULES[bus]
                   if name in self.files.names("sys/bus/%s/drivers" % bus)]  # fmt: skip
        lines += pairs([("modules", modules)] if modules else [])
        if self.tree is not None:
            blob = base64.b64encode(flatten(self.tree)).decode("ascii")
            lines += pairs([("devicetree", "data:;base64," + blob)])
        lines += self._memory_map() + tables + self._aliases() + self._soc() + self._rules()
        return "\n".join(lines) + "\n"

    def _kernel(self):  # type: () -> List[str]
        found = re.match(r"([0-9]{1,3})\.([0-9]{1,3})(?:\.[0-9]{1,4})?", self.release)
        if not found:
            return []
        line = (int(found.group(1)), int(found.group(2)))
        if line in KERNELS:
            return pairs([("kernel", found.group(0))])
        older = [known for known in KERNELS if known <= line]
        near = "%d.%d" % (older[-1] if older else KERNELS[0])
        return ["# the board has %s" % clean(self.release)] + pairs([("kernel", near)])

    def _processor(self, processor):  # type: (Processor) -> List[str]
        services, node = processor.services(), processor.node
        head = "%s, driver %s, %s" % (processor.name, processor.driver or "unknown",
                                      processor.state or "unknown")  # fmt: skip
        lines = ["", "# " + head, "# firmware: " + processor.firmware]
        for what, found in (("carveouts", processor.carveouts), ("traces", processor.traces),
                            ("resource table", processor.resources)):  # fmt: skip
            lines += ["# %s: %s" % (what, ", ".join(found[:64]))] if found else []
        keys = []  # type: List[Tuple[str, Any]]
        if node is not None and processor.known:
            keys = self._of_keys(processor, node, services)
        else:
            keys = self._own_keys(processor, services)
        if services and "services" not in [key for key, _ in keys]:
            lines.append("# channels seen: " + services)
        return lines + (["[[remoteproc]]"] + pairs(keys) if keys else [])

    def _of_keys(self, processor, node, services):  # type: (Processor, Node, str) -> List[Any]
        """What a board file adds to a processor of the devicetree, which then has it in there."""
        keys = []  # type: List[Tuple[str, Any]]
        had = node.strings("services")
        if had or (services and not self._executed(processor)):
            node.properties.pop("services", None)
            keys.append(("services", had[0] if had else services))
        if processor.state in ("attached", "detached"):
            node.properties.pop("detached", None)
            keys.append(("detached", True))
        return [("label", processor.label)] + keys if keys else []

    def _executed(self, processor):  # type: (Processor) -> bool
        """Whether rprocfs executes its firmware; the M4F of an AM62x has the name of an AM64x's."""
        soc = self.tree.strings("compatible") if self.tree else []
        am62 = any(name.startswith("ti,am62") for name in soc)
        return processor.known in EXECUTED or (processor.known == "ti,am64-m4fss" and am62)

    def _own_keys(self, processor, services):  # type: (Processor, str) -> List[Any]
        """A processor whose driver rprocfs does not have is a model that takes any image."""
        own = OWN.get(processor.driver)
        keys = [("label", processor.label), ("compatible", own or "rprocfs,sim")]
        keys += [("firmware-name", processor.firmware)] if processor.firmware else []
        parts = processor.device.split("/")
        made = re.fullmatch(r"rproc-[a-z0-9-]+\.[0-9]+", processor.device)  # no description has one
        if not made and all(re.fullmatch(r"[!-.0-~]{1,255}", part) for part in parts):
            keys.append(("device-name", processor.device))
        if own is None:
            keys += [("memory", "any"), ("lenient", True)]  # type: ignore[list-item]
            keys += [("services", services)] if services else []
            if processor.driver != "rproc-sim":
                self.files.note(
                    "%s: no driver %s, it is a model" % (processor.name, processor.driver)
                )
        return keys

    def _memory_map(self):  # type: () -> List[str]
        """The upper level of /proc/iomem, if it is readable: addresses are root's."""
        rows = [clean(line) for line in self.files.lines("proc/iomem") if line[:1].strip()]
        there = [row for row in rows if re.match(r"[0-9a-f]*[1-9a-f][0-9a-f]* :",
                                                 row.partition("-")[2])]  # fmt: skip
        return ["", "# memory map:"] + ["#   " + row for row in there[:64]] if there else []

    def _aliases(self):  # type: () -> List[str]
        aliases = []
        labels = {processor.name: processor.label for processor in self.processors}
        for name, target in self._links("dev/remoteproc"):
            if os.path.basename(target) in labels:
                directory = target.startswith("sys/")
                label = labels[os.path.basename(target)]
                if directory or not self._of_alias(name, os.path.basename(target)):
                    aliases.append((name, label + "/" if directory else label))
        return ["", "[aliases]"] + pairs(aliases) if aliases else []

    def _of_alias(self, name, processor):  # type: (str, str) -> bool
        """Whether the devicetree has that alias already."""
        nodes = [p.node for p in self.processors if p.name == processor and p.node is not None]
        holder = (
            [node for node in self.tree.children if node.name == "aliases"] if self.tree else []
        )
        return any("/" + node.path in one.strings(name) for node in nodes for one in holder)

    def _links(self, directory):  # type: (str) -> Iterator[Tuple[str, str]]
        """The links in there: name, and where each leads to."""
        for name in self.files.names(directory):
            path = os.path.join(directory, name)
            if os.path.islink(os.path.join(self.files.root, path)) and name.isprintable():
                yield name, self.files.resolve(path)

    def _soc(self):  # type: () -> List[str]
        names = ("machine", "family", "revision", "soc_id")
        found = [(name, self.files.text("sys/devices/soc0/" + name)) for name in names]
        known = [(name, value) for name, value in found if value]
        if self.files.text("sys/devices/soc0/serial_number"):
            self.files.note("sys/devices/soc0/serial_number: private")
        return ["", "[soc]"] + pairs(known) if known else []

    def _rules(self):  # type: () -> List[str]
        """Drivers that channels were given; owners, modes and further names of nodes."""
        drivers = sorted({(channel.name, channel.override) for channel in self.channels
                          if channel.name and channel.override not in ("", "(null)")})  # fmt: skip
        tables = [[("subsystem", "rpmsg"), ("name", pattern(name)), ("driver", driver)]
                  for name, driver in drivers]  # fmt: skip
        nodes = [name for name in self.files.names("dev") if DEV_NODE.fullmatch(name)]
        for name in nodes:
            owner = self._owner(name)
            tables += [[("node", name)] + owner] if owner else []
        for directory in ["dev"] + [
            "dev/" + name
            for name in self.files.names("dev")
            if name not in DEV_SKIPPED and name != "remoteproc"
        ]:
            if not os.path.islink(os.path.join(self.files.root, directory)):
                above = directory[len("dev/") :] + "/" if directory != "dev" else ""
                for name, target in self._links(directory):
                    if os.path.basename(target) in nodes and (above + name).isprintable():
                        row = [("node", os.path.basename(target)), ("symlink", above + name)]
                        tables.append(row)
        return [line for table in tables for line in ["", "[[rule]]"] + pairs(table)]

    def _owner(self, name):  # type: (str) -> List[Tuple[str, str]]
        try:
            found = os.lstat(os.path.join(self.files.root, "dev", name))
        except OSError:
            return []
        mode = stat.S_IMODE(found.st_mode)
        if not stat.S_ISCHR(found.st_mode) or (found.st_uid, found.st_gid, mode) == (0, 0, 0o600):
            return []
        return [("owner", str(found.st_uid)), ("group", str(found.st_gid)),
                ("mode", "%04o" % (mode & 0o777))]  # fmt: skip

    def images(self):  # type: () -> Iterator[Tuple[str, bytes]]
        """The images that processors name, as the kernel would find them."""
        own = self.files.text("sys/module/firmware_class/parameters/path").strip()
        release = clean(self.release)
        places = [own.lstrip("/")] if own else []
        places += ["lib/firmware/updates/" + release, "lib/firmware/updates",
                   "lib/firmware/" + release, "lib/firmware"]  # fmt: skip
        for name in sorted({p.firmware for p in self.processors if p.firmware}):
            if {"", ".", ".."} & set(name.split("/")):
                self.files.note("firmware %s: no path below lib/firmware" % name)
                continue
            for place in places:
                data = self.files.read(os.path.join(place, name), IMAGE)
                if data is not None:
                    yield name, data
                    break
            else:
                self.files.note("firmware %s: not found" % name)


def natural(name):  # type: (str) -> Tuple[str, int, str]
    """Nodes by name, then by address."""
    base, _, address = name.partition("@")
    return base, int(address, 16) if re.fullmatch(r"[0-9a-fA-F]{1,16}", address) else -1, name


def pattern(name):  # type: (str) -> str
    """For fnmatch(3): that name only."""
    return re.sub(r"([*?\[])", r"[\1]", name)


def pairs(keys):  # type: (List[Any]) -> List[str]
    """Lines of TOML, which writes these values as JSON does."""
    return ["%s = %s" % (key if re.fullmatch(r"[A-Za-z0-9_-]+", key) else quoted(key),
                         quoted(value)) for key, value in keys]  # fmt: skip


def quoted(value):  # type: (Any) -> str
    """A string, a boolean or a list of strings."""
    return json.dumps(value, ensure_ascii=False)


def write_tar(out, recording):  # type: (Any, Recording) -> None
    """``board.toml``, and the images below ``firmware``."""
    with tarfile.open(fileobj=out, mode="w|", format=tarfile.PAX_FORMAT) as tar:
        text = recording.text("firmware").encode("utf-8")
        for name, data in [("board.toml", text)] + [
            ("firmware/" + name, data) for name, data in recording.images()
        ]:
            about = tarfile.TarInfo(name)
            about.size = len(data)
            about.mode = 0o644
            tar.addfile(about, io.BytesIO(data))


def main(argv=None):  # type: (Optional[List[str]]) -> int
    """Record, to stdout; the exit status as above."""
    parser = argparse.ArgumentParser(description="Write a board file of this board to stdout.")
    parser.add_argument("--root", default="/", help="a directory that has sys, dev and proc")
    parser.add_argument("--release", default=os.uname().release, help="instead of uname -r")
    parser.add_argument("--tar", action="store_true", help="write a tar file, with the images")
    arguments = parser.parse_args(argv)
    files = Files(arguments.root)
    try:
        recording = Recording(files, arguments.release)
        if arguments.tar:
            write_tar(sys.stdout.buffer, recording)
        else:
            sys.stdout.buffer.write(recording.text(None).encode("utf-8"))
        sys.stdout.buffer.flush()
    except RecordError as failure:
        return complain(str(failure))
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        return 128 + signal.SIGPIPE
    except OSError as failure:
        return complain("%s: %s" % (failure.filename or "stdout", failure.strerror or failure))
    for note in files.notes:
        complain("left out: " + note)
    return 0


def complain(text):  # type: (str) -> int
    """One line on stderr."""
    print("record: " + text.encode("ascii", "backslashreplace").decode("ascii"), file=sys.stderr)
    return 1


if __name__ == "__main__":
    sys.exit(main())
