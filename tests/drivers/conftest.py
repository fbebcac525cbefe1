"""Boards that a devicetree source describes."""

from contextlib import ExitStack

import pytest

from rprocfs.kernel import DEFAULT
from rprocfs.testing.tree_board import TreeBoard


@pytest.fixture
def tree_board(dtc, tmp_path):
    """Makes the board of a source; each change is what to replace in it, and with what.

    *head* comes before the source, and no change is made in it.
    """
    with ExitStack() as stack:

        def make(source, *changes, head="", kernel=DEFAULT):
            for before, after in changes:
                assert before in source
                source = source.replace(before, after)
            blob = dtc("dts", "dtb", (head + source).encode(), warnings=True)
            return stack.enter_context(TreeBoard(blob, tmp_path, kernel))

        yield make
