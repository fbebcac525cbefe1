def test_it_writes_lines_as_time_goes_by(host):
    one = host("trace.elf")
    one.wait_trace("trace: tick 0x3\n")
    assert one.trace.splitlines()[:3] == ["trace: started", "trace: tick 0x1", "trace: tick 0x2"]
    assert one.worker.console == b"trace: started\n"
    assert one.mailbox == b""
