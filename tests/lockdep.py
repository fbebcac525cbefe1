"""A pytest plugin: the validator of locks is on, and a test fails in which it reports anything.

It is on in daemons that a test starts, too, which say in their log what they found.
"""

import os

os.environ["RPROCFS_LOCKDEP"] = "1"  # read when rprocfs is imported for the first time

import pytest

from rprocfs.locking import VALIDATOR


@pytest.fixture(autouse=True)
def locks_are_taken_in_order():
    """The acquisition that completes a cycle fails its test."""
    assert VALIDATOR is not None, "rprocfs was imported too early"
    yield
    reports = VALIDATOR.take_reports()
    if reports:
        pytest.fail("\n\n".join(reports))
