"""Boards: what processors a system has, and what else a board of their kind shows.

A board is described by a TOML file (:mod:`.board_file`), a flattened devicetree
(:mod:`.devicetree`), or the name of one that comes along (:mod:`.ready`); users make more
processors by configfs (:mod:`.configfs`).
"""

from rprocfs.board.description import DEFAULT_BOARD, Board
from rprocfs.board.open import kernel_version, load_board, open_board

__all__ = ["DEFAULT_BOARD", "Board", "kernel_version", "load_board", "open_board"]
