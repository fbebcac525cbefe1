import errno
import importlib
import lzma
import os

import pytest

from rprocfs.base import firmware_compress
from rprocfs.base.device import Device
from rprocfs.base.firmware import FirmwareLoader
from rprocfs.base.model import DriverModel

CONTENT = b"firmware " * 1000


@pytest.fixture
def model():
    return DriverModel()


@pytest.fixture
def request_firmware(model, tmp_path):
    loader, device = FirmwareLoader(model, tmp_path), Device(model, "dev0")

    def request(name="fw"):
        try:
            return loader.request_firmware(name, device)
        except OSError as failure:
            return failure.errno

    return request


@pytest.fixture
def zstandard():
    try:
        return importlib.import_module("zstandard")
    except ImportError:
        missing = pytest.fail if os.environ.get("CI") else pytest.skip
        missing("no zstandard")


def _xz(content, check=lzma.CHECK_CRC32):
    return lzma.compress(content, lzma.FORMAT_XZ, check)


def _log(model):
    return "\n".join(record.text for record in model.kmsg.records())


def test_xz(request_firmware, tmp_path):
    (tmp_path / "fw.xz").write_bytes(_xz(CONTENT))
    assert request_firmware() == CONTENT
    assert request_firmware("fw.xz") == _xz(CONTENT)  # by its own name it is what it is


def test_zstd_comes_first(request_firmware, tmp_path, zstandard):
    (tmp_path / "fw.xz").write_bytes(_xz(b"xz"))
    (tmp_path / "fw.zst").write_bytes(zstandard.compress(b"zst"))
    assert request_firmware() == b"zst"
    (tmp_path / "fw").write_bytes(b"plain")
    assert request_firmware() == b"plain"


def test_a_plain_file_anywhere_comes_before(request_firmware, tmp_path):
    (tmp_path / "updates").mkdir()
    (tmp_path / "updates" / "fw.xz").write_bytes(_xz(b"compressed"))
    (tmp_path / "fw").write_bytes(b"plain")
    assert request_firmware() == b"plain"


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (_xz(CONTENT, lzma.CHECK_CRC64), firmware_compress.XZ_OPTIONS_ERROR),
        (_xz(CONTENT, lzma.CHECK_SHA256), firmware_compress.XZ_OPTIONS_ERROR),
        (_xz(CONTENT)[:-9], firmware_compress.XZ_BUF_ERROR),
        (_xz(CONTENT)[:40] + b"\0" + _xz(CONTENT)[41:], firmware_compress.XZ_DATA_ERROR),
        (b"no xz", firmware_compress.XZ_FORMAT_ERROR),
    ],
)
def test_what_the_kernels_decoder_refuses(request_firmware, model, tmp_path, data, code):
    (tmp_path / "fw.xz").write_bytes(data)
    assert request_firmware() == errno.EINVAL
    assert f"dev0: xz decompression failed (xz_ret={code})" in _log(model)
    assert "Direct firmware load for fw failed with error -22" in _log(model)


def test_a_small_file_that_is_huge(request_firmware, tmp_path, monkeypatch):
    monkeypatch.setattr(firmware_compress, "MAX_CONTENT", 100)
    (tmp_path / "fw.xz").write_bytes(_xz(bytes(101)))
    assert request_firmware() == errno.EINVAL
    (tmp_path / "fw.xz").write_bytes(_xz(bytes(100)))
    assert request_firmware() == bytes(100)


def test_zstd_that_is_none(request_firmware, model, tmp_path, zstandard):
    (tmp_path / "fw.zst").write_bytes(b"no zstd")
    assert request_firmware() == errno.EINVAL
    assert "zstd decompression failed" in _log(model)
    (tmp_path / "fw.zst").write_bytes(zstandard.compress(CONTENT)[:-4])
    assert request_firmware() == errno.EINVAL
