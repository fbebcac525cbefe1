"""What the outside of an STM32MP157 decides: files that drive the pins of running firmware."""

import errno
import os
import signal

import pytest

from rprocfs.system import System
from rprocfs.testing.driver_table import DEBUG, Bench
from rprocfs.testing.userspace import Userspace
from tests.drivers.test_stm32_rproc import M4, RAW, boot, program
from tests.engines.installed import ENGINES

pytestmark = pytest.mark.skipif("unicorn" not in ENGINES, reason="needs unicorn")

INPUTS = f"{DEBUG}/inputs"
#: PA14 is an input, PH7 an output; for ever, PH7 = PA14.
FOLLOW = program(
    0x4805, 0x4906, 0xF06F, 0x5240, 0x6002, 0xF46F, 0x4200, 0x600A,
    0x6902, 0x09D2, 0x614A, 0xE7FB, 0x2000, 0x5000, 0x9000, 0x5000,
)  # fmt: skip


@pytest.fixture
def make(tmp_path):
    made = []

    def bench(**properties):
        made.append(Bench(M4 | properties, RAW, tmp_path))
        return made[-1]

    yield bench
    for one in made:
        one.__exit__()


@pytest.fixture
def bench(make):
    return make()


def becomes(bench, name, value):
    bench.wait(lambda: bench.shell.cat(f"{INPUTS}/{name}") == f"{value}\n")


def test_a_pin_follows_another(bench):
    boot(bench, FOLLOW)
    becomes(bench, "GPIOH/7", 0)
    for level in (1, 0, 1):
        bench.shell.echo(f"{INPUTS}/GPIOA/14", f"{level}\n")
        becomes(bench, "GPIOA/14", level)
        becomes(bench, "GPIOH/7", level)


def test_what_was_decided_before_the_boot_holds_and_goes_on_to_hold(bench):
    bench.shell.echo(f"{INPUTS}/GPIOA/14", "1")
    assert bench.shell.cat(f"{INPUTS}/GPIOA/14") == "1\n"
    for _ in range(2):
        assert bench.shell.cat(f"{INPUTS}/GPIOH/7") == "0\n"
        boot(bench, FOLLOW)
        becomes(bench, "GPIOH/7", 1)
        bench.stop()


@pytest.mark.parametrize(
    ("name", "text", "number"),
    [
        ("GPIOA/14", "2", errno.EINVAL), ("GPIOA/14", "-1", errno.EINVAL),
        ("GPIOA/14", "high", errno.EINVAL), ("GPIOA/14", "", errno.EINVAL),
        ("ADC/1/in_voltage0_raw", "65536", errno.EINVAL),
        ("ADC/1/in_voltage0_raw", "9999999999", errno.ERANGE),
    ],
)  # fmt: skip
def test_what_it_cannot_be_changes_nothing(bench, name, text, number):
    before = bench.shell.cat(f"{INPUTS}/{name}")
    with pytest.raises(OSError) as failure:
        bench.shell.echo(f"{INPUTS}/{name}", text)
    assert failure.value.errno == number
    assert bench.shell.cat(f"{INPUTS}/{name}") == before


def test_a_processor_that_crashed_is_not_in_the_way(bench):
    boot(bench, program(0xDE00))
    bench.wait(lambda: bench.state == "crashed")
    bench.shell.echo(f"{INPUTS}/GPIOA/14", "1")
    assert bench.shell.cat(f"{INPUTS}/GPIOA/14") == "1\n"


def test_an_adc_has_its_channels(bench):
    assert bench.shell.cat(f"{INPUTS}/ADC/2/in_voltage19_raw") == "32768\n"
    bench.shell.echo(f"{INPUTS}/ADC/2/in_voltage19_raw", "0xffff")
    assert bench.shell.cat(f"{INPUTS}/ADC/2/in_voltage19_raw") == "65535\n"


def test_a_core_that_does_not_look_takes_only_so_many(bench):
    """Then a write is refused, and changes nothing."""
    boot(bench, FOLLOW)
    becomes(bench, "GPIOH/7", 0)
    pid = int(bench.shell.cat(f"{DEBUG}/worker").split()[3])
    os.kill(pid, signal.SIGSTOP)
    try:
        with pytest.raises(OSError) as failure:
            for number in range(1_000_000):
                bench.shell.echo(f"{INPUTS}/GPIOA/{number % 2}", "1")
        assert failure.value.errno == errno.EAGAIN
        with pytest.raises(OSError):
            bench.shell.echo(f"{INPUTS}/GPIOA/14", "1")
    finally:
        os.kill(pid, signal.SIGCONT)
    becomes(bench, "GPIOA/1", 1)
    assert bench.shell.cat(f"{INPUTS}/GPIOH/7") == "0\n"


@pytest.mark.parametrize("asked", [False, True])
def test_strict_hides_them_unless_they_are_asked_for(tmp_path, asked):
    with System(firmware=tmp_path, strict=True, inputs=asked) as system:
        system.add_processor(M4)
        assert ("inputs" in Userspace(system.tree).ls(DEBUG)) == asked
        assert "worker" not in Userspace(system.tree).ls(DEBUG)


DEVICE = """
from rprocfs.hw.bus_device import UartDevice

class Device(UartDevice):
    inputs = {"level": 0}

    def set(self, name, value):
        self.drive("GPIOA/14", 1 // value)
"""


@pytest.fixture
def device(tmp_path):
    (tmp_path / "device.py").write_text(DEVICE)
    return f"UART5={tmp_path}/device.py:Device"


def test_a_device_of_ones_own(make, device):
    bench = make(devices=[device])
    assert not (bench.directory / "__pycache__").exists()
    boot(bench, FOLLOW)
    bench.shell.echo(f"{INPUTS}/UART5/level", "1")
    becomes(bench, "GPIOH/7", 1)
    bench.shell.echo(f"{INPUTS}/UART5/level", "-7")
    becomes(bench, "GPIOH/7", 1)
    bench.shell.echo(f"{INPUTS}/UART5/level", "2")
    becomes(bench, "GPIOH/7", 0)


def test_a_device_that_raises_is_a_crash_with_a_traceback(make, device):
    bench = make(devices=[device])
    boot(bench, FOLLOW)
    bench.shell.echo(f"{INPUTS}/UART5/level", "0")
    bench.wait(lambda: bench.state == "crashed")
    assert "ZeroDivisionError" in bench.log


@pytest.mark.parametrize(
    ("place", "source", "why"),
    [
        ("UART5", "nowhere.py:Device", "FileNotFoundError"), ("UART5", "device.py:No", "No"),
        ("UART9", "device.py:Device", "UART9"), ("I2C1/0x48", "device.py:Device", "I2cDevice"),
        ("UART5", "wrong.py:Device", "SyntaxError"), ("UART5", "device.py", "PLACE=FILE.py:CLASS"),
    ],
)  # fmt: skip
def test_what_cannot_be_connected_is_refused_with_the_reason(tmp_path, device, place, source, why):
    (tmp_path / "wrong.py").write_text("class")
    with System(firmware=tmp_path) as system:
        system.add_processor(M4 | {"devices": [f"{place}={tmp_path}/{source}"]})
        *_, said, failed = (record.text for record in system.model.kmsg.records())
    assert why in said
    assert failed.endswith(f"failed with error {-errno.EINVAL}")
