"""Tables that are drawn: right ones, and as far as it goes wrong ones."""

from hypothesis import given
from hypothesis import strategies as st

from rprocfs.check.rsc_fields import rsc_parts
from rprocfs.testing.rsc_table import (
    carveout,
    devmem,
    resource,
    resource_table,
    trace,
    vdev,
    vring,
)
from tests.examples import examples


def _drawn(table):
    return [(part.kind, part.name, {f.name: f.value for f in part.fields}, part.refused)
            for part in rsc_parts(table)]  # fmt: skip


def test_every_kind():
    table = resource_table([
        carveout("mem", 1, 2, pa=3, flags=4),
        devmem("dev", 5, 6, pa=7, flags=8),
        trace("log", 9, 10),
        vdev([vring(16, 32, 11, notifyid=12, pa=13)], notifyid=1, status=7, config=b"c"),
        resource(200),
        resource(5),
    ])  # fmt: skip
    device = {"id": 7, "notifyid": 1, "dfeatures": 1, "gfeatures": 0, "config_len": 1}
    assert _drawn(table) == [
        ("carveout", "mem", {"da": 1, "pa": 3, "len": 2, "flags": 4}, None),
        ("devmem", "dev", {"da": 5, "pa": 7, "len": 6, "flags": 8}, None),
        ("trace", "log", {"da": 9, "len": 10}, None),
        ("vdev", "rpmsg", device | {"status": 7, "num_of_vrings": 1}, None),
        ("vring", "0", {"da": 11, "align": 32, "num": 16, "notifyid": 12, "pa": 13}, None),
        ("type 200", "", {}, "unsupported vendor resource 200"),
        ("type 5", "", {}, "unsupported resource 5"),
    ]


def test_what_follows_a_refused_entry_is_drawn():
    entries = [vdev(num_of_vrings=9), trace("log", 1, 2)]
    table = resource_table(entries, offsets=[24, 24 + len(entries[0])])
    assert _drawn(table) == [
        ("vdev", "", {}, "vdev rsc is truncated"),
        ("trace", "log", {"da": 1, "len": 2}, None),
    ]


def test_it_ends_where_the_table_does():
    parts = rsc_parts(resource_table([trace("log", 1, 2)], num=50))
    assert (parts[0].kind, parts[0].name) == ("trace", "log")
    assert (parts[-1].kind, parts[-1].refused) == ("nothing", "rsc table is truncated")


@examples(100)
@given(st.binary(min_size=16, max_size=300))
def test_any_bytes(data):
    """Nothing but parts comes out, and every field is inside the table."""
    for part in rsc_parts(b"\1\0\0\0" + data[4:5] + bytes(3) + data[8:]):
        assert all(0 <= field.offset < len(data) for field in part.fields)
