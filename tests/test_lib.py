"""lib/: what the kernel's own do."""

import errno
import threading

import pytest

from rprocfs.lib.kref import Kref
from rprocfs.lib.kstrtox import kstrtobool, kstrtoint, kstrtouint
from rprocfs.lib.string import strncmp_prefix


@pytest.mark.parametrize("text", ["y", "Yes", "true", "1", "on", "ON\n", "1x"])
def test_kstrtobool_true(text):
    assert kstrtobool(text) is True


@pytest.mark.parametrize("text", ["n", "No", "false", "0", "off", "of"])
def test_kstrtobool_false(text):
    assert kstrtobool(text) is False


@pytest.mark.parametrize("text", ["", "2", "o", "x", " 1"])
def test_kstrtobool_refuses(text):
    with pytest.raises(ValueError, match="neither 0 nor 1"):
        kstrtobool(text)


def test_kstrtoint():
    good = {b"-1\n": -1, b"+7": 7, b"-0x80000000": -(1 << 31), b"2147483647": (1 << 31) - 1}
    assert {text: kstrtoint(text) for text in good} == good
    for text, number in (
        (b"2147483648", errno.ERANGE), (b"-2147483649", errno.ERANGE), (b"-+5", errno.EINVAL),
        (b"-", errno.EINVAL), (b"--5", errno.EINVAL), (b"1.5", errno.EINVAL),
    ):  # fmt: skip
        with pytest.raises(OSError) as failure:
            kstrtoint(text)
        assert failure.value.errno == number


def test_kstrtouint():
    assert [kstrtouint(text) for text in (b"0x10\n", b"010", b"+7", b"9\0x")] == [16, 8, 7, 9]


def test_strncmp_prefix():
    assert strncmp_prefix(b"st", "start") and strncmp_prefix(b"start\0junk", "start")
    assert not strncmp_prefix(b"start\n", "start") and not strncmp_prefix(b"st\0", "start")


def test_the_last_reference_releases_once_and_without_the_lock():
    released = []
    kref = Kref(lambda: released.append(kref.read()))
    threads = [threading.Thread(target=kref.get) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [kref.put() for _ in range(9)] == [False] * 8 + [True]
    assert released == [0]
    with pytest.raises(AssertionError, match="after the release"):
        kref.get()
