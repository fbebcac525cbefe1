"""A bench for the evaluation kits of the i.MX 8M: as tests.drivers' others, of a devicetree."""

import shutil
from pathlib import Path

from rprocfs.board.ready import ready_boards
from rprocfs.board.tree import load_tree
from rprocfs.system import System
from rprocfs.testing.driver_table import Bench, Images
from rprocfs.testing.userspace import Userspace

FIRMWARE = Path(__file__).parents[1] / "firmware"


def raw(part):
    """The echo with the channels that the table of tests wants."""
    channels = ("rpmsg-raw", "rpmsg-echo", "rpmsg-crash")
    return Images(FIRMWARE / f"{part}-raw.elf", channels, "echo: started")


class KitBench(Bench):
    """The kit of *part*; *changes* are made to its devicetree, bytes for bytes."""

    suffix = "-evk"

    def __init__(self, part, images, directory, changes=(), properties=(), **options):
        self.images = images
        self.directory = Path(directory)
        shutil.copy(images.echo, self.directory / "echo.elf")
        name = f"{part}{self.suffix}.dtb"
        blob = next(iter(ready_boards().values())).with_name(name).read_bytes()
        for before, after in changes:
            assert len(before) == len(after)
            assert before in blob
            blob = blob.replace(before, after)
        tree = load_tree("board.dtb", blob)
        self.system = System(firmware=directory, **options)
        (found,), (node,) = tree.processors, tree.nodes
        self.device = self.system.add_processor(
            {"auto-boot": False, **found, **dict(properties)}, node
        )
        self.shell = Userspace(self.system.tree)
        self._handles = []

    @property
    def rproc(self):
        return self.system.remoteproc.rprocs[0]

    @property
    def console(self):
        """What the firmware wrote to its UART."""
        worker = self.rproc.ops.worker
        return worker.console.decode() if worker else ""
