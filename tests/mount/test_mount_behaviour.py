"""The table of behaviours: without a transport, and over each."""

import errno
import logging

import pytest

from tests.mount import behaviour


@pytest.mark.parametrize("name", behaviour.TABLE)
def test_behaviour(fs, sample, name):
    behaviour.TABLE[name](fs, sample)


def test_a_bug_is_eio_and_logged(fs, caplog, monkeypatch):
    # A log record made on a thread of libfuse's leaves a dummy in threading for ever.
    monkeypatch.setattr(logging, "logThreads", False)
    behaviour.fails(errno.EIO, behaviour.content, fs, "broken")
    (record,) = [r for r in caplog.records if r.levelno >= logging.ERROR]
    assert "a bug, on purpose" in str(record.exc_info[1])
    caplog.clear()
