"""What all devices of one system share -- drivers/base/init.c."""

from __future__ import annotations

import errno
import logging
import re
from collections.abc import Callable
from itertools import chain

from rprocfs.base.dd import DeferredProbes
from rprocfs.base.devtmpfs import Devtmpfs
from rprocfs.base.iomem import Iomem
from rprocfs.base.kmsg import Kmsg, Level
from rprocfs.base.observe import NOTHING, Observe
from rprocfs.base.printk_ringbuffer import NO_DEVICE, DevPrintkInfo
from rprocfs.base.trace import SYSTEM, Kind, Trace
from rprocfs.fs import anon_inode
from rprocfs.fs.anon_inode import AnonInodes
from rprocfs.fs.chardev import Ida
from rprocfs.fs.debugfs import DebugfsFile
from rprocfs.fs.kernfs import Dir, Owner, Tree, error
from rprocfs.kernel import DEFAULT, KernelVersion
from rprocfs.locking import LockClass, new_rlock

logger = logging.getLogger("rprocfs")

#: The major numbers that find_dynamic_major() of fs/char_dev.c gives out, in its order.
CHRDEV_MAJOR_DYN = range(254, 233, -1)
CHRDEV_MAJOR_DYN_EXT = range(511, 383, -1)

UeventListener = Callable[[str, str, dict[str, str]], None]


class DriverModel:
    """One tree with ``sys``, ``dev`` and ``lib``, its log, its numbers and its events.

    *version* is the kernel that is answered as. *strict*: show nothing that a board
    would not show, but with *console* the processors' consoles, and with *inputs* what
    the outside of them decides. Everything is *owner*'s, root's unless given. *observe* says
    what is recorded.
    """

    def __init__(
        self,
        version: KernelVersion = DEFAULT,
        *,
        strict: bool = False,
        console: bool = False,
        inputs: bool = False,
        owner: Owner | None = None,
        observe: Observe = NOTHING,
    ) -> None:
        self.observe = observe
        self.trace = Trace(observe.trace) if observe.trace is not None else None
        self.version = version
        self.strict = strict
        self.console = console or not strict
        self.inputs = inputs or not strict
        self.tree = Tree(owner)
        root = self.tree.root
        self.sys = root.add("sys", Dir())
        self.dev = root.add("dev", Devtmpfs())
        self.lib = root.add("lib", Dir())
        self.anon_inodes = root.add(anon_inode.PLACE, AnonInodes())
        self.debug = self.sys.mkdirs("kernel/debug")
        self.debug.mode = 0o700
        for name in ("bus", "class", "devices", "module"):
            self.sys.mkdirs(name)
        self.kmsg = Kmsg()
        self.iomem = Iomem()
        self.deferred = DeferredProbes()
        self.debug.add("devices_deferred", DebugfsFile(self.deferred.show))
        #: Guards registration: numbers, glue directories, lists of devices.
        self.lock = new_rlock(LockClass.MODEL)
        self.uevent_listeners: list[UeventListener] = []
        #: Called with the modalias of each new device: udev's part in loading modules.
        self.request_module: Callable[[str], object] = lambda modalias: None
        self._majors = chain(CHRDEV_MAJOR_DYN, CHRDEV_MAJOR_DYN_EXT)
        self.platform_ids = Ida()

    def alloc_major(self) -> int:
        """``alloc_chrdev_region``: a major number of one's own; EBUSY after 149 of them."""
        with self.lock:
            for major in self._majors:
                return major
        raise error(errno.EBUSY)

    def printk(self, level: Level, text: str, dev_info: DevPrintkInfo = NO_DEVICE) -> None:
        """Write to the kernel log, and hand the line on to :mod:`logging`."""
        self.kmsg.printk(level, text, dev_info)
        if self.trace is not None:
            self.trace.add(Kind.LOG, SYSTEM, text.encode("utf-8", "replace"))
        logger.log(_LOGGING[level], "%s", text)

    def uevent(self, action: str, devpath: str, env: dict[str, str]) -> None:
        """Tell every listener; *env* holds all keys but ACTION, DEVPATH and SEQNUM."""
        if self.trace is not None and env.get("MODALIAS", "").startswith("rpmsg:"):
            self._trace_channel(self.trace, action, devpath)
        for listener in list(self.uevent_listeners):
            listener(action, devpath, env)

    def _trace_channel(self, trace: Trace, action: str, devpath: str) -> None:
        """A device of rpmsg is somewhere below its processor."""
        kind = {"add": Kind.CHANNEL, "remove": Kind.CHANNEL_GONE}.get(action)
        processor = next((name for name in devpath.split("/") if _PROCESSOR.fullmatch(name)), None)
        if kind is not None and processor is not None:
            trace.track(processor).text(kind, devpath.rpartition("/")[2])


_PROCESSOR = re.compile(r"remoteproc\d+")
_LOGGING = {
    Level.EMERG: logging.CRITICAL,
    Level.ALERT: logging.CRITICAL,
    Level.CRIT: logging.CRITICAL,
    Level.ERR: logging.ERROR,
    Level.WARNING: logging.WARNING,
    Level.NOTICE: logging.INFO,
    Level.INFO: logging.INFO,
    Level.DEBUG: logging.DEBUG,
}
