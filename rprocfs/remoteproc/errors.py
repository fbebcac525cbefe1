"""Why an image or a resource table was refused."""

import errno


class FirmwareError(OSError):
    """An image that the kernel refuses; raised by elf_loader and rsc_table.

    `errno` is what the boot fails with. `strerror` is the kernel's own line for the log, without
    the device in front of it; it is empty where the kernel refuses without a word.
    """

    strerror: str

    def __init__(self, strerror: str = "", number: int = errno.EINVAL) -> None:
        super().__init__(number, strerror)
