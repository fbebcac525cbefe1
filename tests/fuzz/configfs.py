"""Processors that are made by configfs with properties that make sense or do not."""

from rprocfs_fuse.operations import Operations
from tests.fuzz.errors import FuzzError
from tests.fuzz.words import NAMES, TEXTS

ITEMS = [b"a", b"b", b"c", b"m4"]
VALUES = [
    b"rprocfs,sim", b"rprocfs,sim\n", b"rprocfs,cortex-m4", b"st,stm32mp1-m4", b"ti,am64-r5f",
    b"fsl,imx7d-cm4", b"ti,am625-pru", b"xlnx,zynqmp-r5f", b"mediatek,scp-core", b"any", b"tcm",
    b"0x1000:0x1000", b"0x0:0xffffffff", b"rpmsg-raw@1024", b"auto", b"unicorn", b"steam", b"ram",
    b"ram ram", b"8", b"0xffffffff", b"4294967296", b"-5", b"y", b"n", b"arm", b"..", b"x" * 1023,
]  # fmt: skip
#: Not the paths: a board's user may name any file.
PATHS = {"console-log", "gdb", "firmware-name"}


class ConfigfsFuzz:
    """Calls of the filesystem on ``sys/kernel/config/remoteproc`` of *system*."""

    def __init__(self, system, dice):
        self.system, self.dice = system, dice
        self.replies = 0  # how many calls succeeded
        self._operations = Operations(system.tree)
        config = system.tree.root.lookup("sys").lookup("kernel").lookup("config")
        self._group = config.lookup("remoteproc")

    def __enter__(self):
        return self

    def __exit__(self, kind, *_exc):
        if kind is None:
            self._clean()

    def step(self):
        """One call; it does what it says, or fails and changes nothing."""
        name = self.dice.choice([*ITEMS * 9, *NAMES]).decode("utf-8", "surrogateescape")
        before = self._state()
        try:
            self.dice.choice([self._mkdir, self._rmdir, *[self._set] * 8, *[self._live] * 3])(name)
        except OSError as failure:
            if failure.errno is None or not 0 < failure.errno < 512:
                raise FuzzError(f"{failure!r}") from failure
            if (after := self._state()) != before:
                raise FuzzError(f"{failure} changed {before} to {after}") from failure
        else:
            self.replies += 1

    def _state(self):
        children = sorted(self._group.children.items())
        return [(name, dict(item.properties), item.device is None) for name, item in children]

    def _mkdir(self, name):
        self._operations.mkdir(self._group, name, 0o755, None)

    def _rmdir(self, name):
        self._operations.rmdir(self._group, name, None)

    def _write(self, name, key, data):
        handle = self._operations.open(self._group.lookup(name).lookup(key), 1, None)
        try:
            handle.write(data, 0)
        finally:
            handle.release()

    def _set(self, name):
        keys = sorted(set(self._group.lookup(name).children) - PATHS)
        self._write(name, self.dice.choice([*keys, "compatible"]), self._value())

    def _live(self, name):
        self._write(name, "live", self.dice.choice([b"1", b"1\n", b"0", b"0", b"2", b""]))

    def _value(self):
        dice = self.dice
        return dice.choice([dice.choice(VALUES), dice.choice(TEXTS), dice.randbytes(9)])

    def _clean(self):
        for name, item in list(self._group.children.items()):
            if item.device is not None:
                item.set_live(False)
            self._operations.rmdir(self._group, name, None)
        if self.system.remoteproc.rprocs:
            raise FuzzError(f"left: {self.system.remoteproc.rprocs}")
