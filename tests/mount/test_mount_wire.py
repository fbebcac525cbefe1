"""The kernel protocol without a kernel: every reply, and requests that make no sense."""

import errno
import logging
import os
import struct
import threading

import pytest

from rprocfs_fuse.protocol import wire
from rprocfs_fuse.protocol.invalidation import WAITING_MAX, Invalidation
from rprocfs_fuse.protocol.wire import Opcode
from tests.examples import rounds
from tests.mount.fake_kernel import FakeKernel


@pytest.fixture
def kernel(sample):
    with FakeKernel(sample.tree) as made:
        yield made


def test_init(kernel):
    code, payload = kernel.init()
    fields = wire.INIT_OUT.unpack(payload)
    assert (code, len(payload), fields[:2]) == (0, 64, (7, 38))
    assert fields[3] == wire.WANTED
    assert fields[6] == wire.MAX_WRITE
    assert kernel.connection.ready.is_set()


@pytest.mark.parametrize(("major", "minor"), [(6, 99), (7, 8), (7, 27)])
def test_a_kernel_that_is_too_old(kernel, major, minor):
    assert kernel.init(major, minor)[0] == errno.EPROTO
    assert not kernel.connection.ready.is_set()


def test_a_newer_kernel_and_fewer_flags(kernel):
    fields = wire.INIT_OUT.unpack(kernel.init(7, 99, wire.ATOMIC_O_TRUNC)[1])
    assert (fields[1], fields[3]) == (wire.KERNEL_MINOR_VERSION, wire.ATOMIC_O_TRUNC)


def test_open_flags(kernel):
    assert kernel.open("rw").flags == wire.FOPEN_FILE
    assert kernel.open("dev/queue").flags == wire.FOPEN_STREAM_FILE


@pytest.mark.parametrize("opcode", [21, 22, 23, 24, 25, 31, 37, 43, 44, 47, 52, 4096, 999])
def test_what_we_do_not_do(kernel, opcode):
    assert kernel.ask(opcode)[0] == errno.ENOSYS


def test_nodes_are_forgotten(kernel, sample):
    requests = kernel.connection.requests
    nodeid = kernel.lookup("a/b")
    kernel.lookup("a/b")
    assert requests.lookups[nodeid] == 2
    kernel.send(Opcode.FORGET, nodeid, wire.FORGET_IN.pack(1), unique=0)
    assert kernel.getattr(nodeid)[0] == 0
    batch = wire.BATCH_FORGET_IN.pack(2, 0) + wire.FORGET_ONE.pack(nodeid, 1)
    kernel.send(Opcode.BATCH_FORGET, body=batch + wire.FORGET_ONE.pack(1, 5), unique=0)
    assert kernel.getattr(nodeid)[0] == errno.ESTALE
    assert kernel.getattr(1)[0] == 0
    assert nodeid not in requests.nodes


def test_a_node_that_died_goes_on_until_forgotten(kernel, sample):
    nodeid = kernel.lookup("doomed/below")
    sample.tree.root.remove("doomed")
    code, payload = kernel.getattr(nodeid)
    assert (code, struct.unpack_from("=I", payload, 16 + 64)[0]) == (0, 0)
    assert kernel.ask(Opcode.LOOKUP, nodeid, b"rw\0")[0] == errno.ENOENT
    assert kernel.ask(Opcode.OPENDIR, nodeid, bytes(8))[0] == 0


def test_the_kernel_is_told_of_names_that_are_gone(kernel, sample):
    root = sample.tree.root
    kernel.lookup("doomed/below")
    doomed = root.lookup("doomed").ino
    root.remove("doomed")
    root.remove("many")
    root.lookup("odd").remove("bl ank\n")  # the kernel does not know the directory
    root.remove("\udcff")  # was never there
    kernel.reply(-1, timeout=0.2)
    told = [
        (wire.NOTIFY_INVAL_ENTRY, struct.pack("=QII", parent, len(name), 0) + name + b"\0")
        for parent, name in ((1, b"doomed"), (doomed, b"below"), (1, b"many"))
    ]
    assert [message for message in kernel.notifications if message in told] == told
    unknown = b"bl ank\n\0"
    assert not any(payload.endswith(unknown) for _, payload in kernel.notifications)


def test_the_kernel_is_told_to_forget_what_was_missed_in_a_directory_that_is_gone(kernel, sample):
    nodeid = kernel.lookup("doomed")
    sample.tree.root.remove("doomed")
    kernel.reply(-1, timeout=0.2)
    kernel.notifications.clear()
    assert kernel.ask(Opcode.LOOKUP, nodeid, b"nothing\0")[0] == errno.ENOENT
    assert kernel.ask(Opcode.LOOKUP, 1, b"nothing\0")[0] == errno.ENOENT
    kernel.reply(-1, timeout=0.2)
    message = struct.pack("=QII", nodeid, 7, 0) + b"nothing\0"
    assert kernel.notifications == [(wire.NOTIFY_INVAL_ENTRY, message)]


def test_a_name_that_is_there_again_is_left_alone(kernel, sample):
    """Its directory may have become somebody's, and the next lookup replaces the old one."""
    root, sent = sample.tree.root, []
    invalidation = Invalidation(sample.tree, kernel.connection.requests.nodes, sent.append)
    invalidation.start()
    busy = threading.Event()
    invalidation._wq.queue_work(busy.wait)
    root.remove("doomed")
    root.remove("a")
    root.mkdirs("doomed")
    busy.set()
    invalidation._wq.flush()
    invalidation.close()
    (message,) = sent
    assert message.endswith(b"a\0")


def test_interrupt_of_a_reader(kernel, sample):
    file = kernel.open("dev/queue")
    first, second = kernel.read(file), kernel.read(file)
    kernel.interrupt(first)
    assert kernel.reply(first) == (errno.EINTR, b"")
    sample.queue.put(b"hello")
    assert kernel.reply(second) == (0, b"hello")
    assert len(sample.queue.wait_queue) == 0


def test_interrupt_that_comes_too_early_or_too_late_is_asked_for_again(kernel):
    assert kernel.reply(kernel.interrupt(1000)) == (errno.EAGAIN, b"")


def test_interrupt_of_a_store_that_sleeps(kernel, sample):
    sample.gate.lock()
    file = kernel.open("slow")
    number = kernel.write(file, b"x")
    assert kernel.reply(number, timeout=0.05) is None
    kernel.interrupt(number)
    assert kernel.reply(number) == (errno.EINTR, b"")
    sample.gate.unlock()
    assert sample.stores == []


def test_interrupt_of_a_writer_that_sleeps_and_waits(kernel, sample):
    """Served by workers, tried again and again, it is one caller all the time."""
    file = kernel.open("dev/lazy")
    for _ in range(4):
        assert kernel.reply(kernel.write(file, b"full"))[0] == 0
    first, second = kernel.write(file, b"first"), kernel.write(file, b"second")
    for _ in range(50):
        sample.queue.wait_queue.wake_up()
    kernel.interrupt(first)
    assert kernel.reply(first) == (errno.EINTR, b"")
    assert kernel.reply(second, timeout=0.05) is None
    sample.queue.messages.popleft()
    sample.queue.wait_queue.wake_up()
    assert kernel.reply(second)[0] == 0
    assert kernel.connection.requests.tasks == {}


def test_nonblocking_by_the_flags_of_the_request(kernel):
    file = kernel.open("dev/queue")
    assert kernel.reply(kernel.read(file, flags=os.O_NONBLOCK)) == (errno.EAGAIN, b"")


def test_poll_notifies_only_who_asked(kernel, sample):
    file = kernel.open("dev/queue")
    kernel.ask(Opcode.POLL, file.nodeid, wire.POLL_IN.pack(file.number, 77, 0, 1))
    sample.queue.put(b"x")
    asked = wire.POLL_IN.pack(file.number, 77, wire.POLL_SCHEDULE_NOTIFY, 1)
    code, payload = kernel.ask(Opcode.POLL, file.nodeid, asked)
    assert (code, wire.POLL_OUT.unpack(payload)[0] & 1, kernel.notifications) == (0, 1, [])
    sample.queue.put(b"y")
    kernel.reply(-1, timeout=0.2)
    assert kernel.notifications == [(wire.NOTIFY_POLL, struct.pack("=Q", 77))]


def test_released_files_are_gone(kernel, sample):
    file = kernel.open("dev/queue")
    body = wire.RELEASE_IN.pack(file.number, 0, 0, 0)
    assert kernel.ask(Opcode.RELEASE, file.nodeid, body)[0] == 0
    assert kernel.ask(Opcode.RELEASE, file.nodeid, body)[0] == errno.EBADF
    assert kernel.reply(kernel.read(file))[0] == errno.EBADF
    assert sample.queue.released == 1


def test_readdir_in_small_pieces(kernel):
    nodeid = kernel.lookup("many")
    number, _, _ = wire.OPEN_OUT.unpack(kernel.ask(Opcode.OPENDIR, nodeid, bytes(8))[1])
    names, offset = [], 0
    while True:
        body = wire.READ_IN.pack(number, offset, 512, 0, 0, 0, 0)
        code, payload = kernel.ask(Opcode.READDIR, nodeid, body)
        assert code == 0
        assert len(payload) <= 512
        if not payload:
            break
        while payload:
            _, offset, length, _ = wire.DIRENT.unpack_from(payload)
            names.append(payload[24 : 24 + length])
            payload = payload[(24 + length + 7) & ~7 :]
    assert len(names) == len(set(names)) == 3002


def test_the_end_of_the_connection(sample):
    with FakeKernel(sample.tree) as kernel:
        kernel.hang_up()
        kernel.connection.thread.join(20)
        assert kernel.ended == [1]


def still_alive(kernel):
    return kernel.getattr(1)[0] == 0


@pytest.mark.parametrize("length", [0, 1, 39, 40, 41])
def test_short_messages(kernel, length):
    if length:
        kernel.raw(bytes(length))
    assert still_alive(kernel)


@pytest.mark.parametrize("opcode", [*Opcode])
def test_short_arguments(kernel, opcode):
    for length in (0, 1, 7, 8, 15, 31, 39):
        kernel.send(opcode, body=bytes(length), unique=next(kernel._uniques))
    assert still_alive(kernel)


def test_lengths_that_lie(kernel):
    file = kernel.open("dev/queue")
    body = wire.WRITE_IN.pack(file.number, 0, 1 << 30, 0, 0, 0, 0) + b"short"
    assert kernel.ask(Opcode.WRITE, file.nodeid, body)[0] == errno.EINVAL
    body = wire.IOCTL_IN.pack(file.number, 0, 0x40047102, 0, 1 << 30, 4) + b"1234"
    assert kernel.ask(Opcode.IOCTL, file.nodeid, body)[0] == errno.EINVAL
    kernel.send(Opcode.BATCH_FORGET, body=wire.BATCH_FORGET_IN.pack(0xFFFFFFFF, 0), unique=0)
    assert kernel.ask(Opcode.MKDIR, body=bytes(8) + b"no end")[0] == errno.EINVAL
    assert still_alive(kernel)


def test_random_requests_do_not_end_it(sample, caplog):
    for _, random in rounds(40):
        with FakeKernel(sample.tree) as kernel:
            files = [kernel.open("dev/queue"), kernel.open("rw")]
            pipe_room = 20  # replies that nobody reads would fill the socket
            for _ in range(pipe_room):
                opcode = random.choice([*Opcode, random.randrange(5000)])
                body = random.randbytes(random.randrange(120))
                if random.random() < 0.7:
                    number = random.choice(files).number
                    body = struct.pack("=Q", number) + body
                nodeid = random.choice([0, 1, files[0].nodeid, random.randrange(1 << 64)])
                kernel.send(opcode, nodeid, body, uid=random.choice([0, 1000]))
            assert still_alive(kernel)
    found = [r for r in caplog.records if r.levelno >= logging.ERROR]
    assert not found, found[0].exc_info


def test_a_client_that_misses_many_names_does_not_fill_the_memory(kernel, sample):
    sent = []
    invalidation = Invalidation(sample.tree, kernel.connection.requests.nodes, sent.append)
    invalidation.start()
    kernel.lookup("doomed")
    gone = sample.tree.root.lookup("doomed")
    sample.tree.root.remove("doomed")
    invalidation._wq.flush()
    begun, busy = threading.Event(), threading.Event()
    invalidation._wq.queue_work(lambda: (begun.set(), busy.wait()))
    begun.wait()
    sent.clear()
    for number in range(2 * WAITING_MAX):
        invalidation.missed(gone, f"n{number}")
    busy.set()
    invalidation._wq.flush()
    assert len(sent) == WAITING_MAX
    invalidation.missed(gone, "again")
    invalidation._wq.flush()
    assert len(sent) == WAITING_MAX + 1
    invalidation.close()
