"""The devicetree of a board -- drivers/of, scripts/dtc/libfdt.

:mod:`fdt` reads and writes the flattened form, :mod:`node` is what it unflattens to,
:mod:`address` translates bus addresses, :mod:`device` says what a device made from a node
is called and how it describes itself, :mod:`kobj` shows the tree in sysfs, and
:mod:`processors` finds in it what a board has, which :mod:`make` puts into a new one.
"""
