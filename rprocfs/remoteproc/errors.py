"""Why an image or a resource table was refused."""

import errno


class FirmwareError(OSError):
    """An image that the kernel refuses; raised by elf_loader and rsc_table.

    `errno` is the error of the boot. `strerror` is the kernel's own log message without the device
    prefix; it is empty if the kernel logs nothing.
    """

    strerror: str

    def __init__(self, strerror: str = "", number: int = errno.EINVAL) -> None:
        super().__init__(number, strerror)
