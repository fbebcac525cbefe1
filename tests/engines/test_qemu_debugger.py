"""What a debugger is told of a core that died on QEMU."""

import queue
import socket

from rprocfs.engines.gdb.packet import frame
from rprocfs.engines.io_thread import IoThread
from rprocfs.engines.qemu import targets
from rprocfs.engines.qemu.debugger import QemuLink
from rprocfs.soc.vsoc import VSOC1

M_SYSTEM = (
    b'l<feature name="org.gnu.gdb.arm.m-system">'
    b'<reg name="msp" bitsize="32" regnum="43" type="int"/>'
    b'<reg name="psp" bitsize="32" regnum="44" type="int"/>'
    b'<reg name="control" bitsize="32" regnum="46" type="int"/></feature>'
)


def test_the_numbers_that_a_description_gives_are_kept():
    io, heard = IoThread("test-io"), queue.Queue()
    io.acquire()
    ours, theirs = socket.socketpair()
    link = QemuLink(io, heard.put, lambda: None)
    try:
        with theirs:
            io.call(lambda: link.begin(ours))
            theirs.sendall(frame(b"QC1") + frame(M_SYSTEM))
            assert heard.get(timeout=30) == M_SYSTEM
            assert link.numbers == {"msp": 43, "psp": 44}
    finally:
        io.call(link.end)
        io.release()


def test_the_stack_pointers_of_an_exception():
    core, sp = VSOC1.cores["cortex-m4"], 0x2000_1000
    assert targets.stack_pointers(core, {"sp": sp, "xpsr": 3}) == {"msp": sp, "psp": 0}
    assert targets.stack_pointers(core, {"sp": sp, "xpsr": 0x0100_0000}) == {}
    assert targets.stack_pointers(core, {}) == {}
