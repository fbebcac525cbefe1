"""The boot and security OTP controller (RM0436 chapter 8): the fuses as they were read.

Firmware takes calibration values from there. They agree with what the ADC model reads, half
of the reference voltage on every input: VREFINT gives a supply of 3.3 V, the temperature
sensor 30 degrees.
"""

from __future__ import annotations

from rprocfs.hw.peripherals import Words

HALF_SCALE = 0x8000
#: Of a device that was tested: what 100 degrees more make of the temperature sensor.
SLOPE = 0x0C00


class Bsec(Words):
    """The shadow registers, OTP word *n* at 0x200 + 4 * n. Nothing can be programmed."""

    DATA = 0x200
    VREFINT_CAL = DATA + 4 * 20  # in the upper half
    TS_CAL = DATA + 4 * 23  # at 30 degrees in the lower half, at 130 in the upper one

    def __init__(self) -> None:
        super().__init__({
            self.VREFINT_CAL: HALF_SCALE << 16,
            self.TS_CAL: HALF_SCALE + SLOPE << 16 | HALF_SCALE,
        })  # fmt: skip

    def store(self, offset: int, value: int) -> None:
        """Fuses keep what they are."""
        if offset < self.DATA:
            super().store(offset, value)
