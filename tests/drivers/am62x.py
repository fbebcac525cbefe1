"""A bench for the AM62x starter kit: as tests.drivers' others, of a devicetree."""

from tests.drivers.imx8m import FIRMWARE, Images, KitBench

RAW = Images(
    FIRMWARE / "am62x-raw.elf", ("rpmsg-raw", "rpmsg-echo", "rpmsg-crash"), "echo: started"
)


class Am62xBench(KitBench):
    """The starter kit."""

    suffix = ""

    def __init__(self, directory, images=RAW, **more):
        super().__init__("am62x", images, directory, **more)
