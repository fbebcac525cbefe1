"""The Cortex-M4F of an AM62x as a machine: images for a real board, on Unicorn."""

import errno
import struct

import pytest

from rprocfs.drivers.ti_k3_m4_machine import RP_MBOX_ECHO_REQUEST
from rprocfs.hw.ti.omap_mailbox import DEPTH
from rprocfs.system import bundled_firmware
from rprocfs.testing.driver_table import R0, RPMSG, TABLE, Images
from rprocfs.testing.rsc_table import resource_table, vdev
from rprocfs.testing.tree_board import image
from rprocfs.testing.userspace import read, write
from tests.drivers.am62x import RAW, Am62xBench
from tests.drivers.kit_crashes import CRASHES, die, dies
from tests.engines.installed import ENGINES

pytestmark = pytest.mark.skipif("unicorn" not in ENGINES, reason="needs unicorn")
NODE = "5000000.m4fss"
ECHO = Images(
    f"{bundled_firmware()}/am62x-echo.elf",
    ("ti.ipc4.ping-pong", "rpmsg_chrdev", "rpmsg-crash"), "echo: started",
)  # fmt: skip
VECTORS = struct.pack("<2I", 0x40000, 9)
SLEEP = struct.pack("<2H", 0xBF30, 0xE7FD)  # wfi; b .-2


@pytest.fixture
def make(tmp_path):
    made = []

    def bench(images=RAW, **more):
        made.append(Am62xBench(tmp_path, images, **more))
        return made[-1]

    yield bench
    for one in made:
        one.__exit__()


def code(*halfwords, table=None):
    """An image with code at 0, and a resource table where firmware of this kind has it."""
    data = VECTORS + struct.pack(f"<{len(halfwords)}H", *halfwords)
    return image((0, data), table=table or resource_table([vdev()]), at=0x9CC00000)


@pytest.mark.parametrize("name", TABLE)
def test_driver_table(name, make):
    bench = make()
    # The kernel's driver has it disabled.
    bench.shell.echo(f"{R0}/recovery", "enabled")
    TABLE[name](bench)


def test_the_log_of_the_kit(make):
    bench = make(ECHO)
    bench.start()
    bench.wait(lambda: "ABI 4" in bench.console)
    bench.wait(lambda: "echo reply" in bench.log)
    bench.stop()
    size = (bench.directory / "echo.elf").stat().st_size
    lines = bench.log.splitlines()
    lines.remove(f"k3-m4-rproc {NODE}: received echo reply from {NODE}")  # at some time
    assert lines == [
        f"k3-m4-rproc {NODE}: assigned reserved memory node m4f-dma-memory@9cb00000",
        f"k3-m4-rproc {NODE}: configured M4F for remoteproc mode",
        f"remoteproc remoteproc0: {NODE} is available",
        f"remoteproc remoteproc0: powering up {NODE}",
        f"remoteproc remoteproc0: Booting fw image echo.elf, size {size}",
        "rproc-virtio rproc-virtio.0.auto: assigned reserved memory node m4f-dma-memory@9cb00000",
        "virtio_rpmsg_bus virtio0: rpmsg host is online",
        "rproc-virtio rproc-virtio.0.auto: registered virtio0 (type 7)",
        f"remoteproc remoteproc0: remote processor {NODE} is now up",
        "virtio_rpmsg_bus virtio0: creating channel ti.ipc4.ping-pong addr 0xd",
        "virtio_rpmsg_bus virtio0: creating channel rpmsg_chrdev addr 0xe",
        "virtio_rpmsg_bus virtio0: creating channel rpmsg-crash addr 0x402",
        f"remoteproc remoteproc0: stopped remote processor {NODE}",
    ]
    assert "the core runs at 400000000 Hz" in bench.console or bench.console == ""


def test_what_rpmsg_char_programs_do(make):
    """rpmsg_chrdev at 14 is bound by itself, and the ping-pong has an endpoint."""
    bench = make(ECHO)
    bench.start()
    bench.wait(lambda: bench.shell.exists("/dev/rpmsg0"))
    assert bench.shell.cat("/sys/class/rpmsg/rpmsg0/dst") == "14\n"
    for path in (f"{RPMSG}/virtio0.ti.ipc4.ping-pong.-1.13/endpoint", "/dev/rpmsg0"):
        handle = bench.shell.open(path)
        for number in range(300):  # more than a ring has buffers
            write(handle, b"ping %d" % number)
            assert read(handle) == b"ping %d" % number
        handle.release()
    assert "failed" not in bench.log


@pytest.mark.parametrize("how", CRASHES)
def test_every_way_to_crash(how, make):
    why, kind = CRASHES[how]
    said = f"cortex-m4: {why}", f"crash detected in {NODE}: type {kind}"
    dies(make(), how, said, {0x0, 0x9CB00000, 0x9CC00000}, trace=0x9CC00000)


def test_the_word_of_a_crash_is_only_logged(make):
    """k3_m4_rproc_mbox_callback(): error recovery is not supported."""
    bench = make()
    bench.start()
    die(bench, "m")
    bench.wait(lambda: f"k3-m4-rproc {NODE}: K3 rproc {NODE} crashed" in bench.log)
    assert bench.state == "running"
    handle = bench.open("/dev/rpmsg0")
    write(handle, b"still there")
    assert read(handle) == b"still there"


def test_under_strict_there_is_no_dump(make):
    """The kernel's driver adds no segment."""
    bench = make(strict=True)
    bench.shell.echo(f"{R0}/recovery", "enabled")
    bench.start()
    bench.shell.echo(f"{R0}/coredump", "enabled")
    bench.rproc.ops._report(bench.rproc, 0)
    bench.wait(lambda: bench.log.count("is now up") == 2)
    assert not bench.shell.exists(f"{R0}/devcoredump/data")


def test_firmware_is_asked_to_shut_down(make):
    """What the vendor's kernels do; it says so in its trace, which memory keeps."""
    bench = make()
    bench.start()
    bench.wait_channels()
    bench.stop()
    assert b"shutdown\n" in bytes(bench.rproc.ops.soc.memory.at(0x9CC01000, 0x1000))


def test_strict_does_not_ask(make):
    """k3_m4_rproc_stop() of mainline asserts the reset."""
    bench = make(strict=True)
    bench.start()
    bench.wait_channels()
    bench.stop()
    assert b"shutdown\n" not in bytes(bench.rproc.ops.soc.memory.at(0x9CC01000, 0x1000))


def test_one_that_a_boot_loader_started(make, tmp_path):
    """IPC-only mode: the table is at the start of the second ``memory-region``."""
    (tmp_path / "am62-mcu-m4f0_0-fw").write_bytes(RAW.echo.read_bytes())
    bench = make(properties={"detached": True})
    assert bench.state == "detached"
    assert f"{NODE}: configured M4F for IPC-only mode" in bench.log
    bench.wait(lambda: "the core runs at" in bench.console)
    bench.shell.echo(f"{R0}/state", "start")
    assert bench.state == "attached"
    bench.wait_channels()
    bench.shell.echo(f"{R0}/state", "detach")
    assert bench.state == "detached"
    bench.shell.echo(f"{R0}/state", "start")
    bench.wait_channels()
    handle = bench.shell.open("/dev/rpmsg0")
    write(handle, b"again")
    assert read(handle) == b"again"
    handle.release()
    bench.stop()
    assert bench.state == "offline"
    bench.start()
    bench.wait_channels()


def test_without_an_image_the_boot_loader_starts_nothing(make):
    bench = make(properties={"detached": True})
    assert bench.state == "offline"
    assert "boot loader: am62-mcu-m4f0_0-fw: No such file or directory" in bench.log
    bench.start()


def test_words_for_a_core_that_reads_none_wait_in_order(make):
    """Four fit into the FIFO, twenty wait; then only what waits already may be sent again."""
    bench = make()
    (bench.directory / "deaf.elf").write_bytes(code(0xBF30, 0xE7FD))
    bench.start("deaf.elf")
    ops = bench.rproc.ops
    before = DEPTH - ops._room + len(ops._waiting)  # the ping, and a ring with buffers
    for _ in range(24 - before):
        bench.rproc.ops.kick(bench.rproc, 1)
    assert "failed to send" not in bench.log
    ops.kick(bench.rproc, 1)
    assert "failed to send" not in bench.log
    ops.kick(bench.rproc, 7)
    assert f"k3-m4-rproc {NODE}: failed to send mailbox message, status = -105" in bench.log
    assert ops._waiting == [1] * 20


def test_words_of_the_core_that_mean_nothing(make):
    """Neither a vring's number nor a known word: dropped, and it goes on."""
    bench = make()
    bench.start()
    ops = bench.rproc.ops
    for word in (0xFFFFFF00, 0xFFFFFF16, 77, 0xDEADBEEF, RP_MBOX_ECHO_REQUEST):
        ops.message(bench.rproc, 0, word.to_bytes(4, "little"))
    handle = bench.open("/dev/rpmsg0")
    write(handle, b"fine")
    assert read(handle) == b"fine"


def test_its_console_talks_and_listens(make):
    bench = make()
    bench.start()
    console = bench.open(f"{R0}/console")
    bench.wait(lambda: "runs at 400000000 Hz" in bench.console)
    write(console, b"hello\n")
    bench.wait(lambda: bench.console.endswith("hello\n"))


def test_memory_is_that_of_the_board(make):
    bench = make()
    bench.start()
    iomem = bench.system.model.iomem
    for bus, da in ((0x5000000, 0), (0x5040000, 0x30000), (0x9CC00000, 0x9CC00000)):
        assert bytes(iomem.ioremap(bus, 4)) == bytes(bench.rproc.ops.soc.memory.at(da, 4))
    bench.stop()
    device = bench.device
    for _ in range(2):
        bench.shell.echo(f"/sys/bus/platform/devices/{device.name}/driver/unbind", device.name)
        bench.shell.echo("/sys/bus/platform/drivers/k3-m4-rproc/bind", device.name)
        bench.start()
        handle = bench.shell.open("/dev/rpmsg0")
        write(handle, b"again")
        assert read(handle) == b"again"
        handle.release()


def test_a_reserved_memory_that_the_core_has_not(make):
    before, after = (struct.pack(">4I", 0, 0x9CC00000 + n, 0, 0xE00000) for n in (0, 0x20000000))
    bench = make(changes=[(before, after)])
    assert "m4f-memory@9cc00000 is outside the core's DDR, 0x90000000 to 0xa0000000" in bench.log
    assert bench.device.driver is None


def test_services_are_those_of_a_model(make):
    bench = make(properties={"services": "rpmsg-raw@1024"})
    (bench.directory / "crash.elf").write_bytes(code(0xDE00))
    bench.start("crash.elf")
    assert bench.state == "running"
    assert not hasattr(bench.rproc.ops, "worker")


def test_an_image_without_a_resource_table_is_refused(make):
    """The kernel's driver takes none of those."""
    bench = make()
    (bench.directory / "bare.elf").write_bytes(image((0, VECTORS + SLEEP)))
    with pytest.raises(OSError) as caught:
        bench.start("bare.elf")
    assert caught.value.errno == errno.EINVAL


STORES = (0x4803, 0x4904, 0x6001, 0x4804, 0x4904, 0x6001, 0xE7FE, 0xBF00)  # two, of what follows
ENDS = {
    "reset through MCU_CTRL_MMR0": (0x04519008, 0x68EF3490, 0x04518170, 0x6FF),
    "watchdog": (0x04880090, 0xA98559DA, 0x0488009C, 0),
}


@pytest.mark.parametrize("reason", ENDS)
def test_a_core_that_resets_itself_has_crashed(reason, make):
    """Zephyr's sys_arch_reboot(), and wdt_disable() of a watchdog that cannot be turned off."""
    bench = make()
    words = struct.unpack("<8H", struct.pack("<4I", *ENDS[reason]))
    (bench.directory / "ends.elf").write_bytes(code(*STORES, *words))
    bench.shell.echo(f"{R0}/recovery", "disabled")
    bench.shell.echo(f"{R0}/firmware", "ends.elf")
    bench.shell.echo(f"{R0}/state", "start")
    bench.wait(lambda: bench.state == "crashed")
    assert f"cortex-m4: {reason}\n" in bench.log
