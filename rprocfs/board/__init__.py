"""Boards: the processors of a system, and the other files that such a board shows.

A board is described by a TOML file (:mod:`.board_file`), by a flattened devicetree
(:mod:`.devicetree`), or by the name of a ready board (:mod:`.ready`). Users make further
processors by configfs (:mod:`.configfs`).
"""

from rprocfs.board.description import DEFAULT_BOARD, Board
from rprocfs.board.open import kernel_version, load_board, open_board

__all__ = ["DEFAULT_BOARD", "Board", "kernel_version", "load_board", "open_board"]
