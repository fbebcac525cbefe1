import pytest

from rprocfs import kernel
from rprocfs.cli import main
from rprocfs.kernel import FEATURES, KERNELS, LINUX_6_12, Feature, KernelVersion, find_kernel


def test_a_line_is_its_newest_release():
    assert find_kernel("6.12") is LINUX_6_12
    assert find_kernel("6.12.107") == KernelVersion((6, 12), 107)
    assert find_kernel("6.1").uname == "6.1.192"
    assert [version.line for version in KERNELS] == sorted(version.line for version in KERNELS)


def test_next_is_what_no_release_has():
    version = find_kernel("next")
    assert (version.release, version.uname) == ("next", "next")
    assert all(version.has(feature) for feature in FEATURES)


@pytest.mark.parametrize("text", ["", "6", "5.0", "6.12.", "6.12.1.2", "6.120", "\uff16.12"])
def test_no_kernel(text):
    with pytest.raises(ValueError, match=r"unknown, there are 6\.1, "):
        find_kernel(text)


def test_mainline_and_backports():
    feature = Feature("f", "", (7, 2), "", {(6, 1): 190, (6, 12): 111})
    has = {
        text: find_kernel(text).has(feature)
        for text in (
            "6.1.189",
            "6.1.190",
            "6.6.900",
            "6.12.110",
            "6.12.111",
            "7.1.99",
            "7.2.0",
            "7.3",
        )
    }
    assert [text for text, there in has.items() if there] == ["6.1.190", "6.12.111", "7.2.0", "7.3"]


def test_every_feature_is_in_the_table_and_told_apart_by_some_kernel():
    defined = {value for value in vars(kernel).values() if isinstance(value, Feature)}
    assert set(FEATURES) == defined
    assert len({feature.name for feature in FEATURES}) == len(FEATURES)
    for feature in FEATURES:
        assert {version.has(feature) for version in KERNELS} == {False, True}, feature.name
        assert feature.what
        assert feature.source


def test_the_command_lists_the_table(capsys):
    assert main(["board", "kernels"]) == 0
    said = capsys.readouterr().out
    assert said.startswith("kernels: 6.1.192, 6.6.")
    assert all(feature.name in said and feature.what in said for feature in FEATURES)


def test_the_command_compares_two(capsys):
    assert main(["board", "kernels", "6.12.107", "6.12.117"]) == 0
    said = capsys.readouterr().out
    assert "shutdown-when-crashed (since 7.2, 6.1.190, 6.12.111)" in said
    assert "rpmsg-poll" not in said
    assert main(["board", "kernels", "6.12", "6.12"]) == 0
    assert capsys.readouterr().out == ""


def test_the_command_is_told_nonsense(capsys):
    assert main(["board", "kernels", "5.15"]) == 1
    assert capsys.readouterr().err.startswith("rprocfs: 5.15: unknown, there are 6.1, ")
