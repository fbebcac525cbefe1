"""The thermometer's firmware, with a button that is pressed and a sensor that gets warm."""

from pathlib import Path

import pytest

HERE = Path(__file__).parents[1]
INPUTS = "sys/kernel/debug/remoteproc/remoteproc0/inputs"
BUTTON, LED, SENSOR = "GPIOA/14", "GPIOH/7", "I2C5/0x48/temp1_input"

pytestmark = pytest.mark.rproc_board(HERE / "board.toml", options="console,inputs")


@pytest.fixture
def thermometer(rproc_board, rproc):
    """The board, with its firmware up."""
    rproc.boot("thermometer.elf")
    rproc.expect("thermometer: ready")
    return Thermometer(rproc_board, rproc)


class Thermometer:
    """What the hand of a tester does, and what he sees."""

    def __init__(self, board, rproc):
        self.board, self.rproc = board, rproc

    def decide(self, name, value):
        (self.board.path / INPUTS / name).write_text(f"{value}\n")

    def press(self):
        self.decide(BUTTON, 0)
        self.decide(BUTTON, 1)

    def led(self):
        return (self.board.path / INPUTS / LED).read_text()


@pytest.mark.parametrize(("millidegrees", "said"), [(21_500, "21.5 C"), (-5_000, "-5.0 C")])
def test_a_press_says_the_temperature(thermometer, millidegrees, said):
    thermometer.decide(SENSOR, millidegrees)
    thermometer.press()
    thermometer.rproc.expect(said)


def test_every_press_toggles_the_led(thermometer):
    for level in "10":
        thermometer.press()
        thermometer.rproc.expect("C\n")
        assert thermometer.led() == f"{level}\n"


def test_the_sensor_warns(thermometer):
    thermometer.decide(SENSOR, 79_500)
    thermometer.decide(SENSOR, 80_000)
    thermometer.rproc.expect("too hot")
