"""Which process has what: drawn, not recorded."""

from html import escape

WIDTH, LINE = 760, 20
FONT = 'font-family="sans-serif" font-size="14"'
#: Title, lines, colour; each box stands below the one before it, with the words on the arrow.
BOXES = (
    (
        "your scripts, programs and tests, unmodified",
        (
            "echo start > /sys/class/remoteproc/remoteproc0/state",
            "open /dev/rpmsg0, read, write, poll, ioctl",
        ),
        "#dbeafe",
    ),
    (
        "the mount: the kernel's files, through FUSE",
        ("/sys/class/remoteproc, /sys/bus/{rpmsg,virtio,platform}, /dev/rpmsg*, /dev/ttyRPMSG*",
         "debugfs: trace, crash, carveouts; configfs, devcoredump, /dev/kmsg, /lib/firmware"),
        "#dcfce7",
    ),
    (
        "rprocfs, one process",
        ("remoteproc: ELF loader, resource table, recovery, coredump",
         "virtio and rpmsg: vrings, name service, endpoints, tty",
         "platform drivers: stm32_rproc, imx_rproc, ti_k3, xlnx_r5, pru, ..."),
        "#fef9c3",
    ),
    (
        "a worker for each processor, confined",
        ("arch: exceptions, timers of the core; hw: UART, mailbox, DMA, clocks of the SoC",
         "engine: Unicorn, QEMU, native, or a model"),
        "#fee2e2",
    ),
    (
        "your firmware, the machine code of the board",
        ("at the addresses of the real SoC",),
        "#ede9fe",
    ),
)  # fmt: skip
ARROWS = (
    "system calls",
    "requests of FUSE",
    "memory of the SoC, doorbells, power and reset",
    "executes",
)


def draw() -> str:
    """The drawing."""
    shapes, top = [], 10
    for number, (title, lines, colour) in enumerate(BOXES):
        height = LINE * (len(lines) + 1) + 18
        shapes.append(
            f'<rect x="10" y="{top}" width="{WIDTH - 20}" height="{height}" rx="6" '
            f'fill="{colour}" stroke="#475569"/>'
        )
        for row, text in enumerate((title, *lines)):
            weight = "" if row else ' font-weight="bold"'
            shapes.append(
                f'<text x="26" y="{top + 24 + LINE * row}" {FONT}{weight}>{escape(text)}</text>'
            )
        top += height
        if number < len(ARROWS):
            shapes.append(
                f'<path d="M 60 {top} v 26 m -5 -7 l 5 7 l 5 -7" fill="none" stroke="#475569"/>'
                f'<text x="76" y="{top + 18}" {FONT} fill="#475569">{escape(ARROWS[number])}</text>'
            )
            top += 28
    body = "\n".join(shapes)
    return (
        f'<svg viewBox="0 0 {WIDTH} {top + 10}" xmlns="http://www.w3.org/2000/svg">\n'
        f'<rect width="100%" height="100%" fill="white"/>\n{body}\n</svg>\n'
    )
