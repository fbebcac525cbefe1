"""Resource tables: views, the kernel's checks, and tables that lie."""

from struct import pack, unpack_from

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rprocfs.remoteproc.errors import FirmwareError
from rprocfs.remoteproc.rsc_table import (
    FW_RSC_ADDR_ANY,
    FwRscCarveout,
    FwRscDevmem,
    FwRscTrace,
    FwRscVdev,
    as_int,
    check_table,
    iter_resources,
    rproc_parse_vring,
)
from rprocfs.testing.rsc_table import (
    carveout,
    devmem,
    resource,
    resource_table,
    trace,
    vdev,
    vring,
)
from tests.examples import examples, rounds

U32 = st.integers(0, 0xFFFFFFFF)
ENTRIES = [carveout("mem", 1, 2), devmem("dev", 3, 4), trace("log", 5, 6), vdev(config=b"cfg")]


def refused(call, *arguments):
    with pytest.raises(FirmwareError) as error:
        call(*arguments)
    assert error.value.errno == 22
    return error.value.strerror


def only(entry):
    """The one entry of a table, and the table."""
    table = memoryview(bytearray(resource_table([entry])))
    (found,) = iter_resources(table)
    return found, table


def view_of(entry):
    found, table = only(entry)
    return found.view(table)


def test_entries_in_order():
    table = memoryview(bytearray(resource_table([*ENTRIES, resource(9)])))
    entries = list(iter_resources(table))
    assert [entry.type for entry in entries] == [0, 1, 2, 3, 9]
    assert [entry.index for entry in entries] == [0, 1, 2, 3, 4]
    assert [entry.offset + entry.avail for entry in entries] == [len(table)] * 5
    assert [unpack_from("<I", table, entry.offset - 4)[0] for entry in entries] == [0, 1, 2, 3, 9]
    kinds = [type(entry.view(table)) for entry in entries]
    assert kinds == [FwRscCarveout, FwRscDevmem, FwRscTrace, FwRscVdev, type(None)]


def test_entries_may_be_anywhere_in_any_order():
    table = resource_table([trace("a"), trace("b")], offsets=[76, 25])
    assert [entry.offset for entry in iter_resources(table)] == [80, 29]


@given(U32, U32, U32, U32)
def test_carveout_fields(da, length, pa, flags):
    view = view_of(carveout("name", da, length, pa=pa, flags=flags))
    assert (view.da, view.len, view.pa, view.flags) == (da, length, pa, flags)
    assert (view.reserved, view.name) == (0, "name")


def test_devmem_and_trace_fields():
    view = view_of(devmem("periph", 1, 2, pa=3, flags=4))
    assert (view.da, view.len, view.pa, view.flags, view.name) == (1, 2, 3, 4, "periph")
    view = view_of(trace("trace:x", 0x100, 0x200))
    assert (view.da, view.len, view.name) == (0x100, 0x200, "trace:x")


def test_vdev_fields():
    rings = [vring(16, 4096, 0x1000, notifyid=5, pa=6), vring(8, 16)]
    view = view_of(vdev(rings, device_id=7, notifyid=2, dfeatures=3, gfeatures=4, status=5,
                        config=b"\1\2\3"))  # fmt: skip
    assert (view.id, view.notifyid, view.dfeatures, view.gfeatures) == (7, 2, 3, 4)
    assert (view.status, view.num_of_vrings, view.reserved, view.config_len) == (5, 2, (0, 0), 3)
    assert bytes(view.config) == b"\1\2\3"
    first, second = view.vring
    assert (first.num, first.align, first.da, first.notifyid, first.pa) == (16, 4096, 0x1000, 5, 6)
    assert (second.num, second.align, second.da) == (8, 16, FW_RSC_ADDR_ANY)


def test_writing_changes_the_table():
    found, table = only(vdev(config=b"\0\0"))
    view = found.view(table)
    view.gfeatures, view.status = 1, 7
    view.vring[1].da, view.vring[1].notifyid = 0x80000000, -1
    view.config[:] = b"ok"
    rings = [vring(), vring(da=0x80000000, notifyid=0xFFFFFFFF)]
    assert bytes(table) == resource_table([vdev(rings, gfeatures=1, status=7, config=b"ok")])


def test_the_same_entry_in_another_copy():
    found, cached = only(carveout("x", 1, 2))
    loaded = memoryview(bytearray(b"front" + cached))[5:]
    found.view(cached).at(loaded).pa = 99
    assert found.view(cached).pa == 0
    assert found.view(loaded).pa == 99


@pytest.mark.parametrize("kind", [carveout, devmem, trace])
def test_name_without_a_nul(kind):
    found, table = only(kind("n" * 40) + b"\3\0")
    view = found.view(table)
    assert view.name == "n" * 32
    assert view.printed_name == "n" * 32 + "\3"


def test_name_that_is_no_text():
    assert view_of(trace("\udcff\udc80")).name.encode("utf-8", "surrogateescape") == b"\xff\x80"


@pytest.mark.parametrize(
    ("entry", "kind", "size"),
    [(carveout("c"), "carveout", 56), (devmem("d"), "devmem", 56), (trace("t"), "trace", 48),
     (vdev([]), "vdev", 28), (vdev(), "vdev", 68), (vdev(config=b"12345"), "vdev", 73)],
)  # fmt: skip
def test_cut_short_anywhere(entry, kind, size):
    assert len(entry) == size
    view_of(entry)
    for end in range(4, size):
        found, table = only(entry[:end])
        assert refused(found.view, table) == f"{kind} rsc is truncated"


@pytest.mark.parametrize(
    ("entry", "kind"),
    [
        (carveout(reserved=1), "carveout"),
        (devmem(reserved=0x80000000), "devmem"),
        (trace(reserved=1), "trace"),
        (vdev(reserved=(1, 0)), "vdev"),
        (vdev(reserved=(0, 255)), "vdev"),
        (vdev([vring()] * 3, reserved=(0, 1)), "vdev"),
    ],
)
def test_reserved_bytes(entry, kind):
    found, table = only(entry)
    assert refused(found.view, table) == f"{kind} rsc has non zero reserved bytes"


def test_vdev_extents():
    found, table = only(vdev([vring()] * 3))
    assert refused(found.view, table) == "too many vrings: 3"
    found, table = only(vdev(num_of_vrings=255))
    assert refused(found.view, table) == "vdev rsc is truncated"
    found, table = only(vdev(config_len=0xFFFFFFFF))
    assert refused(found.view, table) == "vdev rsc is truncated"


@pytest.mark.parametrize(
    ("num", "align", "text"),
    [
        (0, 16, "invalid qsz (0) or alignment (16)"),
        (16, 0, "invalid qsz (16) or alignment (0)"),
        (0xFFFFFFFF, 0, "invalid qsz (-1) or alignment (0)"),
    ],
)
def test_vring_that_is_none(num, align, text):
    view = view_of(vdev([vring(num, align)]))
    assert refused(rproc_parse_vring, view.vring[0]) == text


def test_vring_of_any_other_size():
    assert rproc_parse_vring(view_of(vdev([vring(3, 5)])).vring[0]) == (3, 5)


@pytest.mark.parametrize(
    ("kind", "text"),
    [
        (4, "unsupported resource 4"),
        (127, "unsupported resource 127"),
        (128, "unsupported vendor resource 128"),
        (512, "unsupported vendor resource 512"),
        (513, "unsupported resource 513"),
        (0xFFFFFFFE, "unsupported resource -2"),
    ],
)
def test_unknown_types(kind, text):
    found, table = only(resource(kind, b""))
    assert found.view(table) is None
    assert found.unsupported() == text
    assert found.is_vendor == ("vendor" in text)


def test_view_outside_its_table_is_a_programming_error():
    with pytest.raises(ValueError, match="FwRscTrace at 10 of a table of 50 bytes"):
        FwRscTrace(memoryview(bytes(50)), 10)


@pytest.mark.parametrize("word", [0, 1, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF])
def test_as_int(word):
    assert pack("<i", as_int(word)) == pack("<I", word)


# The table's own header.


@pytest.mark.parametrize(
    ("table", "text"),
    [
        (b"", "header-less resource table"),
        (bytes(15), "header-less resource table"),
        (resource_table([], ver=0), "unsupported fw ver: 0"),
        (resource_table([], ver=2), "unsupported fw ver: 2"),
        (resource_table([], ver=0xFFFFFFFF), "unsupported fw ver: -1"),
        (resource_table([], reserved=(1, 0)), "non zero reserved bytes"),
        (resource_table([], reserved=(0, 1)), "non zero reserved bytes"),
        (resource_table([], num=1), "resource table incomplete"),
        (resource_table([trace()], num=14), "resource table incomplete"),
        (resource_table([], num=0xFFFFFFFF), "resource table incomplete"),
    ],
)
def test_header(table, text):
    assert refused(check_table, table) == text


def test_good_headers():
    check_table(resource_table([]))
    check_table(resource_table([trace()], num=13))


@pytest.mark.parametrize("offset", [69, 0x4000, 0x7FFFFFFF, 0x80000000, 0xFFFFFFF0, 0xFFFFFFFF])
def test_entry_outside_the_table(offset):
    """Also where the kernel's int goes negative, and it would read in front of the table."""
    table = resource_table([trace("first"), b""], offsets=[24, offset])
    assert len(table) == 72
    entries = iter_resources(table)
    assert next(entries).type == 2
    assert refused(next, entries) == "rsc table is truncated"


def test_last_entry_of_a_type_only():
    *_, last = iter_resources(resource_table([trace(), resource(77, b"")]))
    assert (last.type, last.avail) == (77, 0)


@pytest.mark.parametrize("table", [b"", bytes(15), resource_table([], num=1)])
def test_table_of_an_attached_remote_without_check(table):
    assert refused(list, iter_resources(table)) == "rsc table is truncated"


def use(table):
    """Everything that the framework does with a table."""
    check_table(table)
    for entry in iter_resources(table):
        view = entry.view(table)
        if isinstance(view, FwRscVdev):
            assert len(view.vring) == view.num_of_vrings
            assert len(view.config) == view.config_len
            for ring in view.vring:
                rproc_parse_vring(ring)
                ring.da = 1
        elif view is not None:
            assert view.offset + view.SIZE <= len(table)
            assert len(view.name.encode("utf-8", "surrogateescape")) <= 32
            view.da = 1


@given(st.binary(max_size=200), st.lists(st.sampled_from(ENTRIES), max_size=4))
@examples(200)
def test_any_bytes(junk, entries):
    table = bytearray(resource_table([*entries, junk]))
    try:
        use(memoryview(table))
    except FirmwareError as error:
        assert error.errno == 22


def test_mutated_tables():
    """A good table with a few bytes changed, cut anywhere; 2,000, RPROCFS_EXAMPLES times that."""
    verdicts = set()
    for _, random in rounds(2_000):
        table = bytearray(resource_table(random.sample(ENTRIES, 3)))
        for _ in range(random.randrange(4)):
            table[random.randrange(len(table))] = random.choice(
                (0, 1, 4, 255, random.getrandbits(8))
            )
        view = memoryview(table)[: random.choice((len(table), random.randrange(len(table)))) or 1]
        try:
            use(view)
        except FirmwareError as error:
            verdicts.add(error.strerror)
    assert len(verdicts) > 8


@given(st.binary(min_size=24, max_size=24), st.integers(0, 80))
def test_vdev_that_changes_under_the_view(head, room):
    """A remote may overwrite the counts after the check: the view stays inside."""
    table = memoryview(bytearray(head + bytes(room)))
    view = FwRscVdev(table, 0)
    table[:] = b"\xff" * len(table)
    assert sum(20 for _ in view.vring) + len(view.config) <= room
    for ring in view.vring:
        assert ring.num == 0xFFFFFFFF
