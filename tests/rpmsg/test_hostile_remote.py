"""Whatever a remote does between whatever the host does: nobody but itself is worse off."""

import errno
import logging
import re
import struct
from contextlib import suppress
from functools import partial

import hypothesis.strategies as st
from hypothesis import settings
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from rprocfs.fs.kernfs import Dir, Link
from rprocfs.rpmsg.hdr import RPMSG_HDR_SIZE as HDR
from rprocfs.rpmsg.hdr import RPMSG_NS_MSG_SIZE as NS_SIZE
from rprocfs.virtio.device_ring import BadChain
from tests.examples import examples
from tests.rpmsg.link import RpmsgSystem

BUF, MTU, NUM = 512, 496, 4
DESTROY_EPT = 0xB502
NODE = re.compile("(rpmsg|ttyRPMSG)[0-9]")

WORDS = st.sampled_from((
    0, 1, 3, 4, 5, 16, 17, 53, 496, 497, 511, 512, 513, 1024, 1025,
    0x7FFF, 0x8000, 0xFFFF, 0x10000, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF,
))  # fmt: skip
ADDRESSES = st.one_of(st.sampled_from((1024, 1025, 53)), st.just(1024), WORDS)
LENGTHS = st.one_of(st.integers(0, MTU), WORDS)
HEADS = st.one_of(st.integers(0, NUM - 1), WORDS)
NAMES = st.one_of(
    st.sampled_from((
        b"", b".", b"..", b"/", b"a/b", b"../../dev", b"rpmsg-raw", b"rpmsg-tty", b"rpmsg_ctrl",
        b"rpmsg_ns", b"rpmsg_chrdev", b"n" * 31, b"n" * 32, b"/" * 32, b"\n", b"%s%n", b"\xff\xfe",
    )),
    st.binary(max_size=32),
)  # fmt: skip
#: What a message is made of: one byte, so that what comes from two buffers shows.
BYTES = st.integers(1, 255)

# What each call may say, by the kernel's sources.
OPEN = {errno.EBUSY, errno.EINVAL, errno.ENXIO, errno.ENODEV, errno.ENOENT, errno.EIO}
READ = {errno.EAGAIN, errno.EPIPE, errno.EIO}
WRITE = {errno.EAGAIN, errno.ENOMEM, errno.EMSGSIZE, errno.EINVAL, errno.EPIPE, errno.EIO}
IOCTL = {
    errno.ENXIO, errno.EINVAL, errno.ENOSPC, errno.ENODEV, errno.ENOTTY, errno.EIO, errno.EEXIST,
    errno.EPIPE,
}  # fmt: skip
BIND = {
    errno.ENOMEM, errno.ENODEV, errno.ENOENT, errno.EBUSY, errno.ENXIO, errno.EINVAL,
    errno.ENOSPC,
}  # fmt: skip


class Bugs(logging.Handler):
    """Exceptions that a thread of the framework caught."""

    def __init__(self):
        super().__init__()
        self.found = []

    def emit(self, record):
        if record.exc_info:
            self.found.append(str(record.exc_info[1]))


def walk(directory, path=""):
    """(path, node) of everything below."""
    for name, node in list(directory.children.items()):
        yield f"{path}/{name}", node
        if isinstance(node, Dir):
            yield from walk(node, f"{path}/{name}")


def paths(tree):
    return {path for path, _ in walk(tree.root)}


def refused(codes, call, *args):
    """Call; whether it was refused, which it may be with one of these errnos only."""
    try:
        call(*args)
    except OSError as failure:
        assert failure.errno in codes, failure
        return True
    return False


class HostileRemote(RuleBasedStateMachine):
    """virtio0 echoes, virtio1 is hostile; both have a channel at 1024."""

    def __init__(self):
        super().__init__()
        self.bugs = Bugs()
        logging.getLogger("rprocfs").addHandler(self.bugs)
        self.good = RpmsgSystem(("rpmsg-raw", 1024)).start()
        self.good_node = self.good.open("/dev/rpmsg0")
        self.shell = self.good.shell
        self.clean = paths(self.good.model.tree)
        self.bad = RpmsgSystem(("rpmsg-raw", 1024), beside=self.good, num=NUM).start()
        self.files = [("rpmsg1", self.shell.open("/dev/rpmsg1"))]
        self.sent = 0

    # The remote: whatever it does, it rings afterwards.

    def act(self, *actions):
        """Do them, as far as the rings allow."""
        if self.bad.transport.vqs:
            with suppress(OSError, BadChain):
                for action in actions:
                    action()
        self.bad.interrupt(0)
        self.bad.interrupt(1)

    def message(self, src, dst, length, used, content):
        head, buf = self.bad.remote._next_buffer(BUF)
        buf[:] = struct.pack("<IIIHH", src, dst, 0, length & 0xFFFF, 0) + content.ljust(MTU, b"!")
        self.bad.remote.tx.push(head, used)

    def ns(self, name, addr, flags, size=NS_SIZE):
        content = name.ljust(32, b"\0") + struct.pack("<II", addr, flags)
        self.message(53, 53, size, HDR + size, content)

    @rule(src=ADDRESSES, dst=ADDRESSES, length=LENGTHS, used=WORDS, fill=BYTES)
    def sends_anything(self, src, dst, length, used, fill):
        self.act(lambda: self.message(src, dst, length, used, bytes([fill]) * MTU))

    @rule(src=ADDRESSES, dst=ADDRESSES, length=LENGTHS, fill=BYTES)
    def sends(self, src, dst, length, fill):
        self.act(lambda: self.message(src, dst, length, HDR + length, bytes([fill]) * MTU))

    @rule(name=NAMES, addr=ADDRESSES, flags=st.integers(0, 3))
    def announces(self, name, addr, flags):
        self.act(lambda: self.ns(name, addr, flags))

    @rule(name=NAMES, size=st.integers(0, 64))
    def announces_short_or_long(self, name, size):
        self.act(lambda: self.ns(name, 1024, 0, size))

    @rule(name=st.sampled_from((b"rpmsg-raw", b"rpmsg-tty", b"nobody")), count=st.integers(1, NUM))
    def floods(self, name, count):
        for flags in (0, 1, 0, 1):
            self.act(*(partial(self.ns, name, 2000 + number, flags) for number in range(count)))

    @rule(queue=st.sampled_from(("tx", "rx")), head=HEADS, length=WORDS)
    def gives_back(self, queue, head, length):
        self.act(lambda: getattr(self.bad.remote, queue).push(head, length))

    @rule(queue=st.sampled_from(("tx", "rx")), step=WORDS)
    def jumps(self, queue, step):
        def jump():
            ring = getattr(self.bad.remote, queue)
            ring.set_used_idx(ring._used_idx + step)

        self.act(jump)

    @rule(
        queue=st.integers(0, 1), at=st.integers(0, 1 << 16), data=st.binary(min_size=1, max_size=8)
    )
    def scribbles(self, queue, at, data):
        def scribble():
            memory = self.bad.transport.rings[queue].used
            memory[at % len(memory)] = data[0] | data[-1] << 8

        self.act(scribble)

    @rule(hold=st.booleans())
    def holds(self, hold):
        self.bad.hold = hold
        self.act(self.bad.consume)

    # The host.

    @rule(
        cmd=st.sampled_from((0x4028B501, 0x4028B503, 0x4028B504)),
        name=NAMES, src=ADDRESSES, dst=ADDRESSES,
    )  # fmt: skip
    def ioctl(self, cmd, name, src, dst):
        try:
            ctrl = self.shell.open("/dev/rpmsg_ctrl1")
        except OSError as failure:
            assert failure.errno == errno.ENOENT
            return
        refused(IOCTL, ctrl.ioctl, cmd, 1, struct.pack("=32sII", name, src, dst))
        ctrl.release()
        self.bad.settle()

    @rule(number=st.integers(0, 100))
    def open(self, number):
        names = [name for name in self.shell.ls("/dev") if NODE.match(name)]
        name = names[number % len(names)]
        refused(OPEN, lambda: self.files.append((name, self.shell.open(f"/dev/{name}"))))

    def file(self, number):
        return self.files[number % len(self.files)]

    @rule()
    def read(self):
        for name, handle in self.files:
            handle.poll()
            while not refused(READ, lambda: self.check(name, handle.read(BUF, 0))):  # noqa: B023
                pass

    def check(self, name, data):
        """What was read comes from one buffer, without its header."""
        assert not name.startswith("rpmsg") or (len(data) <= MTU and len(set(data)) <= 1)

    @precondition(lambda self: self.files)
    @rule(
        number=st.integers(0, 100), length=st.integers(0, 600), fill=BYTES,
        count=st.sampled_from((1, 20)),
    )  # fmt: skip
    def write(self, number, length, fill, count):
        for _ in range(count):
            refused(WRITE, self.file(number)[1].write, bytes([fill]) * length, 0)
        self.bad.settle()

    @precondition(lambda self: self.files)
    @rule(number=st.integers(0, 100))
    def destroy(self, number):
        refused(IOCTL, self.file(number)[1].ioctl, DESTROY_EPT, 0, b"")

    @precondition(lambda self: self.files)
    @rule(number=st.integers(0, 100))
    def release(self, number):
        self.files.pop(number % len(self.files))[1].release()

    @rule(number=st.integers(0, 100), file=st.sampled_from(("bind", "unbind")))
    def binds(self, number, file):
        names = [name for name in self.good.devices() if name.startswith("virtio1.")]
        if names:
            where = f"/sys/bus/rpmsg/drivers/rpmsg_chrdev/{file}"
            refused(BIND, self.shell.echo, where, names[number % len(names)])

    @rule()
    def binds_the_link_again(self):
        driver = "/sys/bus/virtio/drivers/virtio_rpmsg_bus"
        if self.bad.vdev is not None:
            self.shell.echo(f"{driver}/unbind", "virtio1")
            self.shell.echo(f"{driver}/bind", "virtio1")
            self.bad.boot()

    @rule()
    def stops_or_starts(self):
        if self.bad.vdev is None:
            self.bad.start()
        else:
            self.bad.stop()
            self.check_gone()

    # What holds.

    @invariant()
    def the_other_echoes(self):
        self.sent += 1
        self.good.write(self.good_node, b"%d" % self.sent)
        assert self.good_node.read(BUF, 0) == b"%d" % self.sent

    @invariant()
    def the_tree_is_consistent(self):
        for path, node in walk(self.good.model.tree.root):
            name = path.rpartition("/")[2]
            assert name == node.name
            assert name not in ("", ".", "..")
            assert "\0" not in name
            if isinstance(node, Link):
                assert self.shell.exists(path), path

    @invariant()
    def no_buffer_comes_twice(self):
        for queue in self.bad.transport.vqs:
            free = queue._ring._free
            assert len(set(free)) == len(free)

    @invariant()
    def no_exceptions(self):
        assert self.bugs.found == []

    def check_gone(self):
        assert paths(self.good.model.tree) == self.clean
        assert self.bad.transport.vqs == self.bad.transport.buffers == []

    def teardown(self):
        try:
            self.bad.stop()
            for _, handle in self.files:
                refused(READ, handle.read, BUF, 0)
                refused(WRITE, handle.write, b"x", 0)
                handle.poll()
            self.check_gone()
            self.the_other_echoes()
        finally:
            for _, handle in self.files:
                handle.release()
            self.bad.close()
            self.good.close()
            logging.getLogger("rprocfs").removeHandler(self.bugs)


HostileRemote.TestCase.settings = settings(examples(40), stateful_step_count=40)
test_hostile_remote = HostileRemote.TestCase
