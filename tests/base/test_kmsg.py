import tracemalloc

from rprocfs.base.kmsg import Kmsg, Level
from rprocfs.base.printk_ringbuffer import dev_printk_info


def test_records_are_numbered_without_gaps_and_the_oldest_go():
    kmsg = Kmsg(log_buf_len=3 * 32)
    for number in range(5):
        kmsg.printk(Level.INFO, f"line {number}")
    assert [record.text for record in kmsg.records()] == ["line 2", "line 3", "line 4"]
    assert (kmsg.first_seq, kmsg.next_seq) == (2, 5)
    assert kmsg.get(1) is None
    assert kmsg.get(3).text == "line 3"
    assert kmsg.get(5) is None


def test_long_records_take_the_place_of_many():
    kmsg = Kmsg(log_buf_len=128)
    kmsg.printk(Level.INFO, "1" * 100)  # 112 with what goes with it
    kmsg.printk(Level.INFO, "2" * 7)  # 16
    assert [record.seq for record in kmsg.records()] == [0, 1]
    kmsg.printk(Level.INFO, "")
    assert [record.seq for record in kmsg.records()] == [1, 2]
    kmsg.printk(Level.INFO, "\u00e9" * 52)
    assert [record.seq for record in kmsg.records()] == [3]


def test_a_full_log_is_small():
    """What a daemon holds for ever, whatever the lines and however many devices they name."""
    tracemalloc.start()
    kmsg = Kmsg()
    for number in range(20000):
        about = dev_printk_info("remoteproc", f"remoteproc{number}")
        kmsg.printk(Level.INFO, f"line {number}", about)
    taken, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert len(kmsg.records()) == 8192
    assert taken < 1.1e6


def test_a_text_is_not_split_by_the_end_of_the_ring():
    kmsg = Kmsg(log_buf_len=128)
    for text in ("a" * 50, "b" * 30, "c" * 50):  # 64, 40 and, from the start again, 64 bytes
        kmsg.printk(Level.INFO, text)
    assert [record.text for record in kmsg.records()] == ["b" * 30, "c" * 50]
    kmsg.printk(Level.INFO, "")
    assert [record.text for record in kmsg.records()] == ["c" * 50, ""]


def test_a_device_is_cut_to_its_field():
    kmsg = Kmsg()
    about = dev_printk_info("a-long-subsystem-", "p" * 60)
    kmsg.printk(Level.INFO, "hello", about)
    assert kmsg.get(0).dev_info == about == ("a-long-subsyste", "+a-long-subsystem-:" + "p" * 28)


def test_clear_hides_but_keeps():
    kmsg = Kmsg()
    kmsg.printk(Level.ERR, "old")
    kmsg.clear()
    kmsg.printk(Level.ERR, "new")
    assert [record.text for record in kmsg.records()] == ["new"]
    assert kmsg.get(0).text == "old"


def test_a_new_record_wakes():
    kmsg, woken = Kmsg(), []
    kmsg.wait_queue.add(lambda: woken.append(True))
    kmsg.printk(Level.INFO, "hello")
    assert woken == [True]


def test_the_line_as_dmesg_prints_it():
    kmsg = Kmsg()
    kmsg.printk(Level.INFO, "hello")
    assert str(kmsg.get(0)).endswith("] hello")
    assert str(kmsg.get(0)).startswith("[    0.0")


def test_a_record_is_cut_to_what_fits():
    kmsg = Kmsg()
    kmsg.printk(Level.ERR, "\u00e9" * 600)
    assert len(kmsg.get(0).text.encode("utf-8", "surrogateescape")) == 1023
