"""Boards that come along, and what board files have in common with devicetrees.

The files ``NAME.toml`` here are the boards; :mod:`ready` finds them by name.
:mod:`reserved` resolves the memory regions of a board file, :mod:`dtb` reads a devicetree.
"""
