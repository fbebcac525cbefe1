"""An LM75, the temperature sensor, at an I2C bus of a board (NXP's data sheet, revision 5).

Its input ``temp1_input`` is the temperature in thousandths of a degree Celsius, as hwmon has it.
Its output OS, which is low from Tos on until Thyst, is wired to PE1.
"""

from typing import ClassVar

from rprocfs.hw.bus_device import I2cDevice

TEMP, CONF, THYST, TOS = range(4)
OS = "GPIOE/1"


def half_degrees(word):
    """The nine bits of a temperature register, with their sign."""
    return (word >> 7) - (512 if word & 0x8000 else 0)


class Lm75(I2cDevice):
    """The registers, one of which a pointer selects."""

    inputs: ClassVar = {"temp1_input": 25_000}

    def __init__(self):
        super().__init__()
        self.words = {CONF: 0, THYST: 0x4B00, TOS: 0x5000}  # 75 and 80 degrees
        self.pointer = self.count = 0
        self.hot = False

    def connected(self, board):
        """OS is not active at first."""
        super().connected(board)
        self.drive(OS, 1)

    def set(self, name, value):
        """The temperature has changed."""
        super().set(name, value)
        now = value // 500
        limit = half_degrees(self.words[THYST if self.hot else TOS])
        self.hot = now >= limit
        self.drive(OS, not self.hot)

    def start(self, reading):
        """A write begins with the pointer."""
        self.count = 1 if reading else 0
        return True

    def write(self, byte):
        """The pointer, or a byte of the register."""
        if self.count == 0:
            self.pointer = byte & 3
        elif self.pointer == CONF:
            self.words[CONF] = byte & 0x1F
        elif self.pointer != TEMP and self.count < 3:
            shift = 8 * (2 - self.count)
            self.words[self.pointer] = self.words[self.pointer] & ~(0xFF << shift) | byte << shift
        self.count += 1
        return True

    def read(self):
        """The next byte of the register, the upper one first."""
        if self.pointer == CONF:
            return self.words[CONF]
        word = self.words.get(self.pointer, (self.values["temp1_input"] // 500 & 0x1FF) << 7)
        self.count += 1
        return word >> (8 if self.count % 2 == 0 else 0) & 0xFF
