"""An STM32MP157's M4: images for a real board, on Unicorn."""

import errno
import re
import struct
import threading
import time
from pathlib import Path

import pytest

from rprocfs.cli import main
from rprocfs.drivers.stm32_rproc import DKX_REGIONS
from rprocfs.system import System, bundled_firmware
from rprocfs.testing.driver_table import DEBUG, R0, RPMSG, TABLE, Bench, Images
from rprocfs.testing.userspace import Userspace, read, write
from tests.engines.installed import ENGINES
from tests.examples import SCALE

TESTS = Path(__file__).parents[1] / "firmware"
M4 = {"compatible": "st,stm32mp1-m4", "label": "m4", "device-name": "ahb/10000000.m4"}
RAW = Images(TESTS / "stm32mp1-raw.elf", ("rpmsg-raw", "rpmsg-echo"), "echo: started")
ECHO = Images(
    f"{bundled_firmware()}/stm32mp1-echo.elf", ("rpmsg-tty", "rpmsg-client-sample"), "echo: started"
)
SELFTEST = Images(TESTS / "stm32mp1-selftest.elf", (), "")

pytestmark = pytest.mark.skipif("unicorn" not in ENGINES, reason="needs unicorn")


def image(*segments):
    """An ELF without sections: (address, bytes) each."""
    data_at = 52 + 32 * len(segments)
    headers, body = b"", b""
    for da, data in segments:
        at = data_at + len(body)
        headers += struct.pack("<8I", 1, at, da, da, len(data), len(data), 7, 4)
        body += data
    ident = b"\x7fELF\1\1\1".ljust(16, b"\0")
    count = len(segments)
    ehdr = struct.pack("<2H5I6H", 2, 40, 1, segments[0][0], 52, 0, 0, 52, 32, count, 40, 0, 0)
    return ident + ehdr + headers + body


def program(*code):
    """The halfwords of *code* at 0x10000000, with a vector table in front."""
    vectors = struct.pack("<2I", 0x10040000, 0x10000001) + bytes(8 * 18)
    return image((0, vectors), (0x10000000, struct.pack(f"<{len(code)}H", *code)))


SLEEP = program(0xBF30, 0xE7FD)
# ldr r0, =0x4000a000; movs r1, #0xc0; str r1, [r0]; b .
DOG = program(0x4801, 0x21C0, 0x6001, 0xE7FE, 0xA000, 0x4000)
# ldr r0, =0x60000000; ldr r1, [r0]; b .
HOLE = program(0x4801, 0x6801, 0xE7FE, 0xBF00, 0x0000, 0x6000)
# ldr r0, =0x50000404; movs r1, #2; str r1, [r0]; b .
RESET = program(0x4801, 0x2102, 0x6001, 0xE7FE, 0x0404, 0x5000)

# ldr r0, =0x40010000; movs r1, #9; str r1, [r0]; movs r2, #'x'; 1: str r2, [r0, #0x28]; b 1b
FLOOD = program(0x4802, 0x2109, 0x6001, 0x2278, 0x6282, 0xE7FD, 0x0000, 0x4001)


@pytest.fixture
def make(tmp_path):
    made = []

    def bench(images=ECHO, **properties):
        made.append(Bench(M4 | properties, images, tmp_path))
        return made[-1]

    yield bench
    for one in made:
        one.__exit__()


def boot(bench, data):
    (bench.directory / "test.elf").write_bytes(data)
    bench.shell.echo(f"{R0}/recovery", "disabled")
    bench.start("test.elf")


def lines(log):
    return [re.sub(r"^remoteproc remoteproc0: ", "", line) for line in log.splitlines()]


@pytest.mark.parametrize("name", TABLE)
def test_driver_table(name, make):
    TABLE[name](make(RAW))


def test_the_log_of_a_discovery_kit(make):
    bench = make()
    bench.start()
    bench.wait(lambda: bench.log.count("creating channel") == 2)
    bench.stop()
    size = (bench.directory / "echo.elf").stat().st_size
    assert bench.log.splitlines() == [
        "stm32-rproc 10000000.m4: wdg irq registered",
        "remoteproc remoteproc0: m4 is available",
        "remoteproc remoteproc0: powering up m4",
        f"remoteproc remoteproc0: Booting fw image echo.elf, size {size}",
        "rproc-virtio rproc-virtio.0.auto: assigned reserved memory node vdev0buffer@10042000",
        "virtio_rpmsg_bus virtio0: rpmsg host is online",
        "rproc-virtio rproc-virtio.0.auto: registered virtio0 (type 7)",
        "remoteproc remoteproc0: remote processor m4 is now up",
        "virtio_rpmsg_bus virtio0: creating channel rpmsg-tty addr 0x400",
        "virtio_rpmsg_bus virtio0: creating channel rpmsg-client-sample addr 0x401",
        "remoteproc remoteproc0: stopped remote processor m4",
    ]


def test_its_names(make):
    bench = make()
    shell = bench.shell
    assert shell.cat(f"{R0}/name") == "m4\n"
    assert shell.cat(f"{R0}/firmware") == "rproc-m4-fw\n"
    assert shell.exists("/sys/devices/platform/ahb/10000000.m4/remoteproc/remoteproc0")
    bench.start()
    carveouts = shell.cat(f"{DEBUG}/carveout_memories")
    for region in DKX_REGIONS:
        assert f"Name: {region['label']}\n" in carveouts
    table = shell.cat(f"{DEBUG}/resource_table")
    assert "Device Address 0x10040000" in table
    assert "Device Address 0x10041000" in table


def test_its_terminal_echoes(make):
    bench = make()
    bench.start()
    bench.wait(lambda: bench.shell.exists("/dev/ttyRPMSG0"))
    tty = bench.open("/dev/ttyRPMSG0")
    write(tty, b"hello tty\n")
    assert b"hello tty" in read(tty)


def test_messages_of_every_size(make):
    bench = make(RAW)
    bench.start()
    handle = bench.open("/dev/rpmsg0")
    for size in range(1, 497):
        for number in range(SCALE):
            message = bytes(size * 3 + at + number & 0xFF for at in range(size))
            write(handle, message)
            assert read(handle) == message


def test_its_console_talks_and_listens(make):
    bench = make()
    bench.start()
    console = bench.open(f"{R0}/console")
    seen = b""
    while b"\r\n" not in seen:
        seen += read(console)
    assert seen == b"echo: the M4 runs at 208877929 Hz\r\n"
    write(console, b"typed")
    seen = b""
    while len(seen) < 5:
        seen += read(console)
    assert seen == b"typed"


def test_a_console_that_is_flooded(make):
    """All of it arrives, nobody has to read it, and the processor can be stopped."""
    bench = make()
    boot(bench, FLOOD)
    console, seen = bench.open(f"{R0}/console"), 0
    while seen < 100_000:
        data = read(console)
        assert set(data) == {ord("x")}
        seen += len(data)
    time.sleep(0.2)
    bench.stop()
    assert bench.state == "offline"


def test_what_start_up_code_relies_on(make):
    bench = make(SELFTEST)
    bench.start()
    console, seen = bench.open(f"{R0}/console"), b""
    while b"done\n" not in seen:
        seen += read(console, timeout=100)  # 5000 ticks are one line
    said = seen.decode().splitlines()
    assert [line for line in said if not line.startswith("ok ")] == ["done"]
    assert len(said) == 29
    assert "no resource table found for this firmware" in bench.log


def test_it_is_asked_to_shut_down(make):
    bench = make()
    bench.start()
    bench.stop()
    assert "without ack" not in bench.log


def test_firmware_that_does_not_answer_is_stopped_all_the_same(make):
    bench = make()
    boot(bench, SLEEP)
    before = time.monotonic()
    bench.stop()
    assert time.monotonic() - before > 0.4
    assert lines(bench.log)[-3:] == [
        "remote processor m4 is now up",
        "warning: remote FW shutdown without ack",
        "stopped remote processor m4",
    ]


@pytest.mark.parametrize(
    ("data", "kind", "why"),
    [
        (DOG, "watchdog", "cortex-m4: window watchdog"),
        (HOLE, "mmufault", "cortex-m4: lockup: "),
        (RESET, "fatal error", "cortex-m4: reset through the RCC"),
        (image((0, bytes(64))), "mmufault", "cortex-m4: lockup: "),
    ],
    ids=["watchdog", "hole", "reset", "nothing"],
)
def test_it_dies(make, data, kind, why):
    bench = make()
    boot(bench, data)
    bench.wait(lambda: bench.state == "crashed")
    log = lines(bench.log)
    at = log.index(f"crash detected in m4: type {kind}")
    assert any(line.startswith(why) for line in log[:at]), log
    bench.stop()
    bench.start()


def test_code_in_the_retram(make):
    """As Zephyr has it: all of an image in the RETRAM, here one that watches itself."""
    code = struct.pack("<6H", 0x4801, 0x21C0, 0x6001, 0xE7FE, 0xA000, 0x4000)
    bench = make()
    boot(bench, image((0, struct.pack("<2I", 0x10040000, 0x41) + bytes(56) + code)))
    bench.wait(lambda: bench.state == "crashed")
    assert "crash detected in m4: type watchdog" in bench.log


def test_check_says_what_boots(tmp_path, capsys):
    path = tmp_path / "sleep.elf"
    path.write_bytes(SLEEP)
    assert main(["check", "--board", "stm32mp157", str(path)]) == 0
    said = capsys.readouterr().out
    assert "boots on m4 (st,stm32mp1-m4)" in said
    assert "carveout retram" in said
    assert "neither trace nor channels" in said


def loads(core):
    """address: content of each PT_LOAD."""
    count = struct.unpack_from("<H", core, 44)[0]
    headers = [struct.unpack_from("<8I", core, 52 + 32 * at) for at in range(count)]
    return {da: core[at : at + size] for kind, at, da, _, size, *_ in headers if kind == 1}


def test_its_dump_has_the_memories_of_the_board(make):
    bench = make()
    bench.start()
    bench.shell.echo(f"{R0}/coredump", "enabled")
    bench.shell.echo(f"{DEBUG}/crash", "0\n")
    bench.wait(lambda: bench.shell.exists(f"{R0}/devcoredump/data"))
    core = bench.shell.cat_bytes(f"{R0}/devcoredump/data")
    held = loads(core)
    assert {da: len(data) for da, data in held.items()} == {
        0: 0x10000,
        0x10000000: 0x60000,
        0x30000000: 0x40000,
    }
    assert held[0x10000000][:0x40000] == held[0x30000000]
    assert "invalid copy request" not in bench.log
    assert b"echo: started" in core
    bench.wait(lambda: bench.state == "running")


@pytest.mark.parametrize("da", [0x10046000, 0x20000000, 0xC0000000, 0xFFF8])
def test_a_segment_outside_of_its_memories(make, da):
    bench = make()
    with pytest.raises(OSError, match="bad phdr") as failure:
        boot(bench, image((0, bytes(16)), (da, bytes(16))))
    assert failure.value.errno == errno.EINVAL
    assert f"bad phdr da {da:#x} mem 0x10" in bench.log


def test_memories_of_another_board(make):
    region = {"label": "all@10000000", "da": 0x10000000, "size": 0x60000}
    bench = make(**{"memory-region": [DKX_REGIONS[0], region]})
    boot(bench, SLEEP)
    assert "Name: all\n" in bench.shell.cat(f"{DEBUG}/carveout_memories")


def test_a_memory_that_the_processor_cannot_see(make):
    bench = make(**{"memory-region": [{"label": "ddr", "da": 0xC0000000, "size": 0x1000}]})
    with pytest.raises(OSError, match="Invalid"):
        boot(bench, SLEEP)
    assert "stm32-rproc 10000000.m4: memory region not valid 0xc0000000" in bench.log
    assert bench.state == "offline"


def test_a_watchdog_word_it_has_not(make):
    bench = make(**{"watchdog-ms": 100})
    assert "watchdog-ms: no heartbeat word" in bench.log
    assert bench.shell.ls("/sys/class/remoteproc") == []


def test_it_boots_by_itself(tmp_path):
    (tmp_path / "rproc-m4-fw").write_bytes(Path(ECHO.echo).read_bytes())
    with Bench(M4 | {"auto-boot": True}, ECHO, tmp_path) as bench:
        bench.wait(lambda: bench.state == "running")
        bench.wait_channels()


def test_two_boards_at_once(tmp_path):
    directories = [tmp_path / "a", tmp_path / "b"]
    for directory in directories:
        directory.mkdir()
    with Bench(M4, RAW, directories[0]) as one, Bench(M4, RAW, directories[1]) as two:
        threads = [threading.Thread(target=bench.start) for bench in (one, two)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(30)
        handles = [bench.open("/dev/rpmsg0") for bench in (one, two)]
        for number in range(100):
            for handle in handles:
                write(handle, b"%d" % number)
            assert [read(handle) for handle in handles] == [b"%d" % number] * 2


def test_two_processors_of_one_board(tmp_path):
    (tmp_path / "raw.elf").write_bytes(Path(RAW.echo).read_bytes())
    with Bench(M4, RAW, tmp_path) as bench:
        bench.system.add_processor(M4 | {"label": "other", "device-name": "m4.1"})
        other = "/sys/class/remoteproc/remoteproc1"
        bench.start()
        bench.shell.echo(f"{other}/firmware", "raw.elf")
        bench.shell.echo(f"{other}/state", "start")
        bench.wait(lambda: len(bench.channels()) == 4)
        assert len({name.split(".")[0] for name in bench.shell.ls(RPMSG)}) == 2


def test_the_pool_of_the_messages_cannot_be_loaded_into(make):
    bench = make()
    with pytest.raises(OSError) as caught:
        boot(bench, image((0, bytes(64)), (0x10042000, b"here")))
    assert caught.value.errno == errno.EINVAL
    assert "bad phdr da 0x10042000 mem 0x4" in bench.log


def test_strict_is_like_a_board(tmp_path):
    (tmp_path / "echo.elf").write_bytes(Path(ECHO.echo).read_bytes())
    with System(firmware=tmp_path, strict=True) as system:
        system.add_processor(M4)
        shell = Userspace(system.tree)
        assert "console" not in shell.ls(R0)
        shell.echo(f"{R0}/firmware", "echo.elf")
        shell.echo(f"{R0}/coredump", "enabled")
        shell.echo(f"{R0}/state", "start")
        shell.echo(f"{DEBUG}/crash", "1\n")
        deadline = time.monotonic() + 10
        while not shell.exists(f"{R0}/devcoredump/data"):
            assert time.monotonic() < deadline
            time.sleep(0.01)
        core = shell.cat_bytes(f"{R0}/devcoredump/data")
        assert core[18:20] == bytes(2)  # EM_NONE
        regions = {region["da"]: region["size"] for region in DKX_REGIONS[:-1]}
        held = {da: len(data) for da, data in loads(core).items()}
        assert regions.items() <= held.items()
        assert len(held) == len(regions) + 1  # the trace, stm32_rproc_add_coredump_trace()
        assert struct.unpack_from("<I", core, 52)[0] == 1  # no note comes first
