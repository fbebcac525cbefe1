"""Named firmware images: good ones, and one for each way to be refused.

They are `testing.firmware` images for a processor that has 64 KiB of memory of its own at
0x20000000 and no IOMMU. Each is made when it is asked for: `IMAGES["good.elf"].make()`.
"""

from collections.abc import Mapping
from types import MappingProxyType

from rprocfs.testing.firmware import TCM_BASE, TCM_SIZE
from rprocfs.testing.good_images import GOOD_IMAGES
from rprocfs.testing.refused_images import REFUSED_IMAGES
from rprocfs.testing.variants import good
from rprocfs.testing.verdict import Image, Stage

__all__ = ["IMAGES", "TCM_BASE", "TCM_SIZE", "Image", "Stage", "good"]

IMAGES: Mapping[str, Image] = MappingProxyType({**GOOD_IMAGES, **REFUSED_IMAGES})
