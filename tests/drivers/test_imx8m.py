"""The Cortex-M of an i.MX 8M as a machine: images for a real board, on Unicorn."""

import errno
import io
import struct

import pytest
from elftools.elf.elffile import ELFFile

from rprocfs.system import bundled_firmware
from rprocfs.testing.driver_table import R0, RPMSG, TABLE, Images
from rprocfs.testing.tree_board import image
from rprocfs.testing.userspace import read, write
from tests.drivers.imx8m import FIRMWARE, KitBench, raw
from tests.drivers.kit_crashes import CRASHES, dies
from tests.engines.installed import ENGINES

SELFTEST = Images(FIRMWARE / "imx8mm-selftest.elf", (), "")
pytestmark = pytest.mark.skipif("unicorn" not in ENGINES, reason="needs unicorn")
#: Those of the table that a Cortex-M4 is tried with besides the Cortex-M7.
FOR_BOTH = ("boots_and_stops", "echoes", "recovers_from_a_crash", "is_removed_while_running")
PARTS = ("imx8mm", "imx8mn", "imx8mp", "imx8mq")
CRASH = 1026
WAYS = {**CRASHES, "d": ("watchdog", "watchdog")}
VECTORS = struct.pack("<2I", 0x20020000, 9)


@pytest.fixture
def make(tmp_path):
    made = []

    def bench(part="imx8mp", images=None, **more):
        made.append(KitBench(part, images or raw(part), tmp_path, **more))
        return made[-1]

    yield bench
    for one in made:
        one.__exit__()


def boot(bench, *code):
    """Halfwords of code as an image at 0."""
    data = VECTORS + struct.pack(f"<{len(code)}H", *code)
    (bench.directory / "test.elf").write_bytes(image((0, data)))
    bench.shell.echo(f"{R0}/recovery", "disabled")
    bench.start("test.elf")


def echo(part):
    channels = ("rpmsg-tty", "rpmsg-client-sample", "rpmsg-crash")
    return Images(f"{bundled_firmware()}/{part}-echo.elf", channels, "echo: started")


@pytest.mark.parametrize("name", TABLE)
def test_driver_table(name, make):
    TABLE[name](make())


@pytest.mark.parametrize("name", FOR_BOTH)
def test_driver_table_of_a_cortex_m4(name, make):
    TABLE[name](make("imx8mm"))


@pytest.mark.parametrize("part", PARTS)
def test_the_log_of_a_kit(part, make):
    bench = make(part, echo(part))
    bench.start()
    bench.wait(lambda: "runs at" in bench.console)
    bench.stop()
    core = "cm7" if part in ("imx8mn", "imx8mp") else "cm4"
    base = 0x55400000 if part == "imx8mp" else 0xB8400000
    size = (bench.directory / "echo.elf").stat().st_size
    # A core that is loaded by others may still execute when it is stopped.
    assert [line for line in bench.log.splitlines() if "Not in wfi" not in line] == [
        "remoteproc remoteproc0: imx-rproc is available",
        "remoteproc remoteproc0: powering up imx-rproc",
        f"remoteproc remoteproc0: Booting fw image echo.elf, size {size}",
        f"rproc-virtio rproc-virtio.0.auto: assigned reserved memory node vdevbuffer@{base:x}",
        "virtio_rpmsg_bus virtio0: rpmsg host is online",
        "rproc-virtio rproc-virtio.0.auto: registered virtio0 (type 7)",
        "remoteproc remoteproc0: remote processor imx-rproc is now up",
        "virtio_rpmsg_bus virtio0: creating channel rpmsg-tty addr 0x400",
        "virtio_rpmsg_bus virtio0: creating channel rpmsg-client-sample addr 0x401",
        "virtio_rpmsg_bus virtio0: creating channel rpmsg-crash addr 0x402",
        "remoteproc remoteproc0: stopped remote processor imx-rproc",
    ]
    assert bench.shell.readlink("/sys/class/remoteproc/remoteproc0") == (
        f"../../devices/platform/{part}-{core}/remoteproc/remoteproc0"
    )


@pytest.mark.parametrize(
    ("part", "said"), [("imx8mn", True), ("imx8mp", True), ("imx8mm", False), ("imx8mq", False)]
)
def test_a_core_that_does_not_wait_is_stopped_by_force(part, said, make):
    """The secure monitor stops the Cortex-M7 and tells; a register stops the Cortex-M4."""
    bench = make(part, SELFTEST)
    boot(bench, 0xE7FE)
    bench.stop()
    assert ("imx-rproc" in bench.log) and ("Not in wfi, force stopped" in bench.log) == said


def all_checks(bench):
    """What an image says that checks what it relies on: each is right."""
    bench.shell.echo(f"{R0}/recovery", "disabled")
    bench.shell.echo(f"{R0}/firmware", "echo.elf")
    bench.shell.echo(f"{R0}/state", "start")
    bench.wait(lambda: "done\n" in bench.console or bench.state != "running", 60)
    lines = bench.console.splitlines()
    assert [line for line in lines if not line.startswith("ok ")] == ["done"]
    return lines


@pytest.mark.parametrize("part", ["imx8mm", "imx8mp"])
def test_the_firmware_finds_what_it_relies_on(part, make):
    bench = make(part, Images(FIRMWARE / f"{part}-selftest.elf", (), ""))
    lines = all_checks(bench)
    assert len(lines) > 28
    assert "No resource table in elf" in bench.log


@pytest.mark.parametrize("part", ["imx8mm", "imx8mp"])
def test_the_order_in_which_the_drivers_of_the_sdk_go(part, make, caplog):
    """What is closed by the RDC is a bus fault, and nothing else is."""
    caplog.set_level("DEBUG", "rprocfs")
    bench = make(part, Images(FIRMWARE / f"{part}-drivers.elf", (), ""))
    lines = all_checks(bench)
    assert len(lines) > 50
    faults = [line for line in caplog.text.splitlines() if "BusFault" in line]
    assert sum("bus fault at 0x30200000" in line for line in faults) == 2
    ocram = "at 0x900", "at 0x904000", "at 0x910000", "at 0x20201005", "fetch from 0x900200"
    assert all("at 0x30200000" in line or any(it in line for it in ocram) for line in faults)
    assert "no model" not in caplog.text


@pytest.mark.parametrize("part", ["imx8mm", "imx8mn", "imx8mp", "imx8mq"])
def test_the_clock_code_of_the_sdk(part, make):
    """BOARD_BootClockRUN() of each part, every PLL, and the clocks as a timer measures them."""
    assert len(all_checks(make(part, Images(FIRMWARE / f"{part}-clocks.elf", (), "")))) > 38


@pytest.mark.parametrize("name", ["imx8mm-mcux", "imx8mp-mcux", "imx8mm-zephyr", "imx8mp-zephyr"])
def test_the_order_in_which_vendors_images_start(name, make):
    """Twice, as the second time memory has what the first one left."""
    channels = ("rpmsg-virtual-tty-channel-1",)
    bench = make(name[:6], Images(FIRMWARE / f"{name}.elf", channels, ""))
    for _ in range(2):
        bench.start()
        channel = bench.channels()[0]
        assert channel == "virtio0.rpmsg-virtual-tty-channel-1.-1.30"
        handle = bench.shell.open(f"{RPMSG}/{channel}/endpoint")
        for number in range(300):  # more than a ring has buffers
            write(handle, b"message %d" % number)
            assert read(handle) == b"message %d" % number
        handle.release()
        bench.wait(lambda: 'Get Message From Master Side : "message 299"' in bench.console)
        assert "ASSERT" not in bench.console
        bench.stop()
    assert "failed" not in bench.log


def test_zephyr_rings_where_a_kernel_with_the_vendors_mailboxes_does_not_listen(make, caplog):
    """Ring 0 is channel 0, and the first mailbox ``rx`` is channel 1."""
    caplog.set_level("DEBUG", "rprocfs")
    images = Images(FIRMWARE / "imx8mm-zephyr.elf", ("rpmsg-virtual-tty-channel-1",), "")
    bench = make("imx8mm", images, strict=True)
    bench.shell.echo(f"{R0}/firmware", "echo.elf")
    bench.shell.echo(f"{R0}/state", "start")
    bench.wait(lambda: "a word on channel 0, which Linux has no mailbox for" in caplog.text)
    assert "creating channel" not in bench.log


@pytest.mark.parametrize("how", WAYS)
def test_every_way_to_crash(how, make):
    why, kind = WAYS[how]
    said = f"cortex-m7: {why}", f"crash detected in imx-rproc: type {kind}"
    dies(make(images=raw("imx8mp")), how, said, {0x0, 0x20000000, 0x55000000}, trace=0x20000000)


def test_the_last_registers_are_in_the_dump(make):
    bench = make(images=SELFTEST)
    bench.shell.echo(f"{R0}/coredump", "enabled")
    boot(bench, 0x2042, 0x4601, 0xDE00)  # movs r0, #0x42; mov r1, r0; udf #0
    bench.wait(lambda: bench.state == "crashed")
    bench.shell.echo(f"{R0}/recovery", "recover")
    core = ELFFile(io.BytesIO(bench.shell.cat_bytes(f"{R0}/devcoredump/data")))
    notes = [note for part in core.iter_segments("PT_NOTE") for note in part.iter_notes()]
    status = next(note["n_desc"] for note in notes if note["n_type"] == "NT_PRSTATUS")
    data = status if isinstance(status, bytes) else status.encode("latin-1")
    assert struct.unpack_from("<2I", data, 72) == (0x42, 0x42)


def test_under_strict_there_is_no_dump(make):
    """The kernel's driver names no ELF class."""
    bench = make(strict=True)
    bench.start()
    bench.shell.echo(f"{R0}/coredump", "enabled")
    bench.rproc.ops._report(bench.rproc, 0)
    bench.wait(lambda: bench.log.count("is now up") == 2)
    assert "ELF class is not set" in bench.log
    assert not bench.shell.exists(f"{R0}/devcoredump/data")


@pytest.mark.parametrize(("part", "base"), [("imx8mm", 0xB80FF000), ("imx8mp", 0x550FF000)])
def test_one_that_a_boot_loader_started(part, base, make, tmp_path):
    (tmp_path / "rproc-imx-rproc-fw").write_bytes((FIRMWARE / f"{part}-mcux.elf").read_bytes())
    channels = ("rpmsg-virtual-tty-channel-1",)
    images = Images(FIRMWARE / f"{part}-mcux.elf", channels, "")
    bench = make(part, images, properties={"detached": True})
    assert bench.state == "detached"
    bench.wait(lambda: "RPMSG String Echo" in bench.console)
    bench.shell.echo(f"{R0}/state", "start")
    assert bench.state == "attached"
    bench.wait_channels()
    assert bytes(bench.rproc.ops.soc.memory.at(base, 4)) == b"\1\0\0\0"
    with pytest.raises(OSError) as caught:
        bench.shell.echo(f"{R0}/state", "detach")
    assert caught.value.errno == errno.EOPNOTSUPP
    bench.stop()
    assert bench.state == "offline"


def test_bootaux_begins_an_image_in_ddr(make, tmp_path):
    """It copies stack pointer and entry to TCML; without it Linux starts what TCML has."""
    code = struct.pack("<2I", 0x80001000, 0x80000009) + struct.pack("<2H", 0xBF30, 0xE7FD)
    (tmp_path / "rproc-imx-rproc-fw").write_bytes(image((0x80000000, code)))
    bench = make(images=SELFTEST, properties={"detached": True})
    assert bench.state == "detached"
    assert bytes(bench.rproc.ops.soc.memory.at(0, 8)) == code[:8]
    assert bench.rproc.ops.worker is not None


def test_without_an_image_the_boot_loader_starts_nothing(make):
    bench = make(properties={"detached": True})
    assert bench.state == "offline"
    assert "boot loader: rproc-imx-rproc-fw: No such file or directory" in bench.log
    bench.start()


def test_a_core_that_reads_no_words_is_said(make):
    """``tx_tout`` of the mailbox: -ETIME, as the kernel logs it."""
    bench = make()
    data = (bench.directory / "echo.elf").read_bytes()
    start = VECTORS + struct.pack("<2H", 0xBF30, 0xE7FD)
    (bench.directory / "deaf.elf").write_bytes(data.replace(data[0x100:0x108], start[:8], 1))
    core = image((0, start), table=_table(data), at=0x20000000)
    (bench.directory / "deaf.elf").write_bytes(core)
    bench.start("deaf.elf")
    bench.wait(lambda: "imx_rproc_kick: failed (0, err:-62)" in bench.log)
    assert "imx-rproc imx8mp-cm7: imx_rproc_kick: failed" in bench.log


def _table(elf):
    section = ELFFile(io.BytesIO(elf)).get_section_by_name(".resource_table")
    return section.data()


def test_memory_is_that_of_the_board_and_new_for_a_new_driver(make):
    bench = make()
    bench.start()
    iomem = bench.system.model.iomem
    assert bytes(iomem.ioremap(0x7E0000, 4)) == bytes(bench.rproc.ops.soc.memory.at(0, 4))
    bench.stop()
    device = bench.device
    driver = f"/sys/bus/platform/devices/{device.name}/driver"
    for _ in range(2):
        target = "/sys/bus/platform/drivers/imx-rproc"
        bench.shell.echo(f"{driver}/unbind", device.name)
        bench.shell.echo(f"{target}/bind", device.name)
        bench.start()
        handle = bench.shell.open("/dev/rpmsg0")
        write(handle, b"again")
        assert read(handle) == b"again"
        handle.release()


def test_its_console_talks_and_listens(make):
    bench = make("imx8mm", echo("imx8mm"))
    bench.start()
    console = bench.open(f"{R0}/console")
    bench.wait(lambda: "runs at 400000000 Hz" in bench.console)
    write(console, b"hello\n")
    bench.wait(lambda: bench.console.endswith("hello\n"))


LISTENER = """
from rprocfs.hw.bus_device import UartDevice


class Listener(UartDevice):
    def receive(self, byte):
        self.drive("GPIO5/9", byte == ord("\\n"))
"""
INPUTS = "/sys/kernel/debug/remoteproc/remoteproc0/inputs"


def test_a_device_of_the_users_talks_to_the_firmware(make, tmp_path):
    """It is at the console's UART, and tells by a pin that a line has ended."""
    (tmp_path / "listener.py").write_text(LISTENER)
    devices = [f"UART4={tmp_path}/listener.py:Listener"]
    bench = make("imx8mm", echo("imx8mm"), properties={"devices": devices})
    assert bench.shell.cat(f"{INPUTS}/GPIO5/9") == "0\n"
    bench.start()
    bench.wait(lambda: bench.shell.cat(f"{INPUTS}/GPIO5/9") == "1\n")
    assert bench.console == ""
    assert bench.shell.cat(f"{INPUTS}/TMU/temp1_input") == "45000\n"


def test_services_are_those_of_a_model(make):
    bench = make(images=SELFTEST, properties={"services": "rpmsg-raw@1024"})
    boot(bench, 0xDE00)
    assert bench.state == "running"
    assert not hasattr(bench.rproc.ops, "worker")
