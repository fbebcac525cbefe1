"""A tree with one of everything that a transport has to carry."""

import errno
import select
import threading
import time
from collections import deque

from rprocfs.fs.chardev import DeviceNode
from rprocfs.fs.debugfs import DebugfsFile
from rprocfs.fs.kernfs import Dir, File, Handle, Link, Tree, error
from rprocfs.fs.sysfs import SysfsFile, attribute, command
from rprocfs.fs.wait import Mutex, WaitQueue, WouldBlock

QUEUE_LENGTH = 4
GET_LENGTH = 0x80047101  # _IOR('q', 1, int)
SET_LIMIT = 0x40047102  # _IOW('q', 2, int)
SWAP = 0xC0047103  # _IOWR('q', 3, int)
BY_VALUE = 0x7104  # _IO('q', 4), its argument is a number


@attribute
def ro(_sample):
    return "running"


@attribute
def rw(sample):
    return sample.value


@rw.store
def _(sample, buf):
    if buf == "bad\n":
        raise error(errno.EINVAL)
    sample.stores.append(buf)
    sample.value = buf.strip()


@command("wo")
def wo(sample, buf):
    sample.stores.append(buf)


@attribute
def long(_sample):
    return "x" * 4000


@attribute
def fails(_sample):
    raise error(errno.EREMOTEIO)


@attribute
def broken(_sample):
    raise ValueError("a bug, on purpose")


@attribute
def slow(sample):
    return sample.value


@slow.store(sleeps=True)
def _(sample, buf):
    sample.gate.lock_interruptible()
    sample.gate.unlock()
    sample.stores.append(buf)


class Queue:
    """Messages, shared by all who open the device."""

    def __init__(self):
        self.lock = threading.Lock()
        self.messages = deque()
        self.wait_queue = WaitQueue()
        self.limit = QUEUE_LENGTH
        self.opened = 0
        self.released = 0

    def put(self, data):
        with self.lock:
            self.messages.append(data)
        self.wait_queue.wake_up()


class QueueHandle(Handle):
    stream = True

    def __init__(self, queue):
        self.queue = queue
        queue.opened += 1

    @property
    def wait_queue(self):
        return self.queue.wait_queue

    def read(self, size, offset):
        with self.queue.lock:
            if not self.queue.messages:
                raise WouldBlock(self.queue.wait_queue)
            data = self.queue.messages.popleft()
        self.queue.wait_queue.wake_up()
        return data[:size]

    def write(self, data, offset):
        with self.queue.lock:
            if len(self.queue.messages) >= self.queue.limit:
                raise WouldBlock(self.queue.wait_queue)
            self.queue.messages.append(data)
        self.queue.wait_queue.wake_up()
        return len(data)

    def poll(self):
        with self.queue.lock:
            length = len(self.queue.messages)
        readable = select.POLLIN | select.POLLRDNORM if length else 0
        writable = select.POLLOUT | select.POLLWRNORM if length < self.queue.limit else 0
        return readable | writable

    def ioctl(self, cmd, arg, data):
        if cmd == GET_LENGTH:
            return len(self.queue.messages).to_bytes(4, "little")
        if cmd == SET_LIMIT:
            self.queue.limit = int.from_bytes(data, "little")
            return b""
        if cmd == SWAP:
            old, self.queue.limit = self.queue.limit, int.from_bytes(data, "little")
            return old.to_bytes(4, "little")
        if cmd == BY_VALUE:
            self.queue.limit = arg
            return b""
        raise error(errno.ENOTTY)

    def release(self):
        self.queue.released += 1


class Hesitant(Handle):
    """A write gives up after a while, a read of it never succeeds."""

    stream = True

    def __init__(self, _flags, code=errno.ETIMEDOUT):
        self.queue = WaitQueue()
        self.code = code

    @property
    def wait_queue(self):
        return self.queue

    def read(self, size, offset):
        raise WouldBlock(self.queue)

    def write(self, data, offset):
        raise WouldBlock(self.queue, 0.1, self._expired)

    def _expired(self):
        raise error(self.code)


class Sleeper(Handle):
    """Everything it does sleeps; a write ends when the gate opens or a signal comes."""

    stream = True
    sleeps = True

    def __init__(self, sample):
        self.sample = sample

    def write(self, data, offset):
        self.sample.gate.lock_interruptible()
        self.sample.gate.unlock()
        return len(data)

    def ioctl(self, cmd, arg, data):
        self.sample.gate.lock()
        self.sample.gate.unlock()
        return b"\1\0\0\0"

    def fsync(self):
        raise error(errno.EINVAL)

    def release(self):
        self.sample.slept.set()


class SleepingQueueHandle(QueueHandle):
    """The same queue, whose writers are served by workers."""

    sleeps = True


class Slow(Handle):
    """Takes its time to close; who opened it is told how many had it open."""

    stream = True

    def __init__(self, queue):
        self.queue = queue
        queue.opened += 1
        self.others = queue.opened - queue.released - 1

    def read(self, size, offset):
        return b"%d" % self.others

    def release(self):
        time.sleep(0.2)
        self.queue.released += 1


class Parting(Handle):
    """Its close sleeps, and what it does is seen elsewhere."""

    stream = True
    sleeps = True

    def __init__(self, sample):
        self.sample = sample

    def release(self):
        time.sleep(0.1)
        with self.sample.gate:
            self.sample.value = "parted"


class Exclusive(Slow):
    """The same, for one at a time."""

    def __init__(self, queue):
        if queue.opened > queue.released:
            raise error(errno.EBUSY)
        super().__init__(queue)


class Configurable(Dir):
    """mkdir makes a group with an attribute, create makes a file."""

    def __init__(self, sample):
        super().__init__()
        self.sample = sample

    def mkdir(self, name, mode):
        if name.startswith("."):
            raise error(errno.EINVAL)
        made = self.add(name, Dir(mode))
        made.add("rw", SysfsFile(rw, self.sample))
        return made

    def rmdir(self, name):
        self.remove(name)

    def create(self, name, mode):
        return self.add(name, SysfsFile(rw, self.sample, mode & 0o777))


class Refusing(File):
    def open(self, flags):
        raise error(errno.EBUSY)


class Sample:
    """The tree and what its files act on."""

    def __init__(self):
        self.value = "first"
        self.stores = []
        self.queue = Queue()
        self.gate = Mutex()
        self.slept = threading.Event()
        self.tree = Tree()
        root = self.tree.root
        for attr in (ro, rw, wo, long, fails, broken, slow):
            root.add(attr.name, SysfsFile(attr, self))
        debug = root.mkdirs("debug")
        debug.add("info", DebugfsFile(self.text))
        debug.add("command", DebugfsFile(None, lambda data: self.stores.append(data.decode())))
        debug.add("trace", DebugfsFile(self.text, fresh=True))
        dev = root.mkdirs("dev")
        dev.add("queue", DeviceNode(lambda _flags: QueueHandle(self.queue), (10, 1)))
        dev.add("hesitant", DeviceNode(Hesitant, (10, 2)))
        dev.add("restart", DeviceNode(lambda flags: Hesitant(flags, 512), (10, 3)))
        dev.add("sleeper", DeviceNode(lambda _flags: Sleeper(self), (10, 4)))
        dev.add("busy", Refusing(0o600))
        dev.add("parting", DeviceNode(lambda _flags: Parting(self), (10, 9)))
        dev.add("slow", DeviceNode(lambda _flags: Slow(self.queue), (10, 7)))
        dev.add("exclusive", DeviceNode(lambda _flags: Exclusive(self.queue), (10, 8)))
        dev.add("lazy", DeviceNode(lambda _flags: SleepingQueueHandle(self.queue), (10, 6)))
        doomed = root.mkdirs("doomed/below")
        doomed.add("rw", SysfsFile(rw, self))
        doomed.add("info", DebugfsFile(self.text))
        doomed.add("queue", DeviceNode(lambda _flags: QueueHandle(self.queue), (10, 5)))
        root.add("link", Link(root.lookup("rw")))
        root.mkdirs("a/b").add("up", Link(root.lookup("rw")))
        root.add("dangling", Link("../nowhere"))
        root.add("config", Configurable(self))
        odd = root.mkdirs("odd")
        odd.add("bl ank\n", SysfsFile(ro, self))
        odd.add("\udcff\udcfe", SysfsFile(ro, self))
        many = root.mkdirs("many")
        for number in range(3000):
            many.add(f"attribute-{number:05}", SysfsFile(ro, self))

    def text(self):
        """What debugfs shows: the value now."""
        return self.value.encode()
