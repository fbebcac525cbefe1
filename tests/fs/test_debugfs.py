import errno

import pytest

from rprocfs.fs.debugfs import DebugfsFile
from rprocfs.fs.kernfs import Tree
from rprocfs.testing.userspace import Userspace


def _errno(call, *args):
    with pytest.raises(OSError) as caught:
        call(*args)
    return caught.value.errno


@pytest.fixture
def text():
    return [b"one two"]


@pytest.fixture
def shell(text):
    tree = Tree()
    tree.root.add("kept", DebugfsFile(lambda: text[0]))
    tree.root.add("fresh", DebugfsFile(lambda: text[0], fresh=True))
    tree.root.add("both", DebugfsFile(lambda: text[0], text.append, sleeps=True))
    tree.root.add("command", DebugfsFile(None, text.append))
    return Userspace(tree)


def test_modes_and_sizes(shell):
    modes = {name: shell.lookup(name).mode for name in shell.ls("/")}
    assert modes == {"kept": 0o400, "fresh": 0o400, "both": 0o600, "command": 0o200}
    assert shell.lookup("kept").size == 0
    assert shell.open("both").sleeps


def test_wrong_direction_is_einval(shell):
    assert _errno(shell.open("kept").write, b"x", 0) == errno.EINVAL
    assert _errno(shell.open("command").read, 10, 0) == errno.EINVAL


def test_content_is_kept_or_fresh(shell, text):
    kept, fresh = shell.open("kept"), shell.open("fresh")
    assert kept.read(4, 0) == fresh.read(4, 0) == b"one "
    text[0] = b"abcdefg"
    assert kept.read(4, 4) == b"two"
    assert fresh.read(4, 4) == b"efg"


def test_one_write_is_one_command(shell, text):
    assert shell.echo("command", "go\n") == 3
    assert text[-1] == b"go\n"


def test_removed_while_open_is_eio_for_ever(shell):
    handle = shell.open("both")
    file = shell.lookup("both")
    shell.tree.root.remove("both")
    assert _errno(handle.read, 1, 0) == errno.EIO
    assert _errno(handle.write, b"x", 0) == errno.EIO
    assert _errno(file.open, 0) == errno.ENOENT
