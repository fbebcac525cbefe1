import errno
import os

import pytest

from rprocfs.base.device import Device
from rprocfs.base.firmware import FirmwareLoader
from rprocfs.base.model import DriverModel
from rprocfs.kernel import LINUX_6_1
from rprocfs.testing.userspace import Userspace


@pytest.fixture
def model():
    return DriverModel()


@pytest.fixture
def loader(model, tmp_path):
    return FirmwareLoader(model, tmp_path)


@pytest.fixture
def device(model):
    return Device(model, "dev0")


def _lines(model):
    return [record.text for record in model.kmsg.records()]


def _errno(call, *args):
    with pytest.raises(OSError) as caught:
        call(*args)
    return caught.value.errno


def test_the_search_order(loader, device, tmp_path, model):
    release = os.uname().release
    custom = tmp_path / "custom"
    places = [custom, *(tmp_path / part for part in (f"updates/{release}", "updates", release, ""))]
    for place in places:
        place.mkdir(parents=True, exist_ok=True)
        (place / "fw").write_text(str(place))
    Userspace(model.tree).echo("/sys/module/firmware_class/parameters/path", f"{custom}\n")
    for place in places:
        assert loader.request_firmware("fw", device) == str(place).encode()
        (place / "fw").unlink()
    assert _errno(loader.request_firmware, "fw", device) == errno.ENOENT
    assert _lines(model) == [" dev0: Direct firmware load for fw failed with error -2"]


def test_lib_firmware_leads_there(loader, model, tmp_path):
    assert Userspace(model.tree).readlink("/lib/firmware") == str(tmp_path)


@pytest.mark.parametrize(
    ("name", "code", "text"),
    [
        ("dir", errno.EINVAL, "loading /lib/firmware/dir failed with error -22"),
        (".", errno.EINVAL, "loading /lib/firmware/. failed with error -22"),
        ("empty", errno.EINVAL, "loading /lib/firmware/empty failed with error -22"),
        ("fw/", errno.ENOTDIR, "loading /lib/firmware/fw/ failed with error -20"),
        ("f" * 300, errno.ENAMETOOLONG, "loading /lib/firmware/" + "f" * 300),
        ("../fw", errno.EINVAL, "Firmware load for '../fw' refused, path contains '..' component"),
        (" fw", errno.ENOENT, "Direct firmware load for  fw failed with error -2"),
        ("pipe", errno.EINVAL, "loading /lib/firmware/pipe failed with error -22"),
    ],
)
def test_what_cannot_be_loaded(loader, device, model, tmp_path, name, code, text):
    (tmp_path / "dir").mkdir()
    (tmp_path / "empty").touch()
    (tmp_path / "fw").write_text("x")
    os.mkfifo(tmp_path / "pipe")
    assert _errno(loader.request_firmware, name, device) == code
    assert _lines(model)[0].startswith(" dev0: " + text)


def test_no_name_at_all(loader, device):
    assert _errno(loader.request_firmware, "", device) == errno.EINVAL


def test_linux_6_1_does_not_name_the_path(tmp_path):
    model = DriverModel(LINUX_6_1)
    loader = FirmwareLoader(model, tmp_path)
    (tmp_path / "empty").touch()
    assert _errno(loader.request_firmware, "empty", Device(model, "d")) == errno.EINVAL
    assert _lines(model) == [" d: Direct firmware load for empty failed with error -22"]


def test_the_custom_path_has_its_limit(loader, model):
    shell = Userspace(model.tree)
    assert _errno(shell.echo, "/sys/module/firmware_class/parameters/path", "x" * 300) == (
        errno.ENOSPC
    )
    assert shell.cat("/sys/module/firmware_class/parameters/path") == "\n"


@pytest.mark.parametrize(
    "target", ["/lib/firmware/real", "/usr/lib/firmware/real", "real", "./d/../real"]
)
def test_a_link_is_resolved_where_the_directory_is_lib_firmware(loader, device, tmp_path, target):
    if target.startswith("/usr") and not os.path.islink("/lib"):
        target = target.removeprefix("/usr")
    (tmp_path / "real").write_text("x")
    (tmp_path / "d").mkdir()
    (tmp_path / "link").symlink_to(target)
    (tmp_path / "d" / "up").symlink_to("../link")
    (tmp_path / "below").symlink_to("/lib/firmware/d")
    for name in ("link", "d/up", "below/up"):
        assert loader.request_firmware(name, device) == b"x"


def test_a_link_out_of_the_directory(loader, device, tmp_path):
    (tmp_path / "outside").write_text("x")
    (tmp_path / "link").symlink_to(tmp_path / "outside")
    assert loader.request_firmware("link", device) == b"x"
    (tmp_path / "up").symlink_to(f"{'../' * 9}{tmp_path}/outside")
    assert loader.request_firmware("up", device) == b"x"


def test_links_that_never_end(loader, device, model, tmp_path):
    (tmp_path / "loop").symlink_to("/lib/firmware/loop")
    assert _errno(loader.request_firmware, "loop", device) == errno.ELOOP
    assert _lines(model)[0] == " dev0: loading /lib/firmware/loop failed with error -40"


def test_lower_directories_come_last(model, device, tmp_path):
    for name in ("upper", "lower"):
        (tmp_path / name).mkdir()
    loader = FirmwareLoader(model, tmp_path / "upper", [tmp_path / "lower"])
    (tmp_path / "lower/fw").write_text("lower")
    (tmp_path / "lower/link").symlink_to("/lib/firmware/fw")
    assert loader.request_firmware("fw", device) == b"lower"
    assert loader.request_firmware("link", device) == b"lower"
    (tmp_path / "upper/fw").write_text("upper")
    assert loader.request_firmware("fw", device) == b"upper"


def test_another_look_is_taken_if_that_is_worth_it(loader, device, tmp_path):
    def appear():
        (tmp_path / "fw").write_text("late")
        return True

    loader.missed = appear
    assert loader.request_firmware("fw", device) == b"late"
