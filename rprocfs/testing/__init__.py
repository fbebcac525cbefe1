"""Public fakes and builders: the far side of a ring, images, the driver test table.

`elf` and `rsc_table` write images and tables, right or wrong; `firmware` is a plain image to start
from, `variants` makes others out of it, `images` has one for everything that the kernel accepts or
refuses, with its verdict. `vring` is the far side of a ring and of an rpmsg link.
"""
