#!/usr/bin/env python3
"""Generate the oracle's firmware images: one good set and many broken ones.

usage: mkfw.py OUTDIR        (also prints a table of what each image is)

Memory map assumed by every image: the resource table asks for a carveout
"fwmem" at 0x10000000, 0x8000 bytes; code at +0, resource table at +0x100,
trace buffer at +0x4000 (0x200 bytes).
"""

import os
import struct
import sys

ANY = 0xFFFFFFFF
BASE = 0x10000000
TABLE_DA = BASE + 0x100
TRACE_DA = BASE + 0x4000
TCM = 0x20000000
EM_ARM, EM_X86_64, EM_AARCH64 = 40, 62, 183
CODE = bytes.fromhex("0000022009000010fee7fee7") + b"\0" * 52
TRACE = b"sim firmware boot\nchannel ready\n"


def name32(s):
    return s.encode()[:32].ljust(32, b"\0")


def carveout(da=BASE, length=0x8000, name="fwmem", pa=0, flags=0, reserved=0, cut=None):
    b = struct.pack("<I5I", 0, da, pa, length, flags, reserved) + name32(name)
    return b[:cut] if cut else b


def devmem(da=0x40000000, pa=0x40000000, length=0x1000, name="periph"):
    return struct.pack("<I5I", 1, da, pa, length, 0, 0) + name32(name)


def trace(da=TRACE_DA, length=0x200, name="trace:sim", reserved=0, cut=None):
    b = struct.pack("<I3I", 2, da, length, reserved) + name32(name)
    return b[:cut] if cut else b


def vring(da=ANY, align=16, num=16, notifyid=0, pa=0):
    return struct.pack("<5I", da, align, num, notifyid, pa)


def vdev(
    kind=7,
    notifyid=31,
    dfeatures=1,
    gfeatures=0,
    config=b"",
    status=0,
    vrings=None,
    res=(0, 0),
    nvrings=None,
    cut=None,
):
    if vrings is None:
        vrings = [vring(notifyid=1), vring(notifyid=2)]
    n = len(vrings) if nvrings is None else nvrings
    b = (
        struct.pack(
            "<I5I4B",
            3,
            kind,
            notifyid,
            dfeatures,
            gfeatures,
            len(config),
            status,
            n,
            res[0],
            res[1],
        )
        + b"".join(vrings)
        + config
    )
    return b[:cut] if cut else b


def other(kind, body=b"\0" * 16):
    return struct.pack("<I", kind) + body


def table(entries, ver=1, reserved=(0, 0), num=None, offsets=None):
    n = len(entries) if num is None else num
    head = 16 + 4 * len(entries)
    offs, pos = [], head
    for e in entries:
        offs.append(pos)
        pos += len(e)
    if offsets is not None:
        offs = offsets
    return (
        struct.pack("<4I", ver, n, *reserved)
        + struct.pack(f"<{len(offs)}I", *offs)
        + b"".join(entries)
    )


class Elf:
    """segments: (p_type, paddr, data, memsz, overrides); the resource table is
    embedded in the first segment at TABLE_DA unless given a place of its own."""

    def __init__(
        self,
        tab=None,
        base=BASE,
        bits=32,
        machine=EM_ARM,
        big=False,
        trace_text=TRACE,
        trace_da=TRACE_DA,
        text=True,
    ):
        self.bits, self.machine, self.end = bits, machine, ">" if big else "<"
        self.base, self.tab = base, tab
        self.table_addr = base + 0x100
        self.segs = []
        if text:
            body = CODE.ljust(0x100, b"\0") + (tab or b"")
            self.segs.append([1, base, body, len(body), {}])
        if trace_text is not None:
            self.segs.append([1, trace_da, trace_text, 0x200, {}])
        self.ehdr = {}
        self.section = {}
        self.detached_table = not text
        self.with_section = tab is not None

    def seg(self, paddr, data, memsz=None, ptype=1, **ov):
        self.segs.append([ptype, paddr, data, len(data) if memsz is None else memsz, ov])
        return self

    def build(self):
        e, w = self.end, self.bits == 64
        ehsz, phsz, shsz = (64, 56, 64) if w else (52, 32, 40)
        pos = ehsz + phsz * len(self.segs)
        blob, phs, taboff = b"", b"", 0
        for i, (pt, pa, data, memsz, ov) in enumerate(self.segs):
            off = pos + len(blob)
            if i == 0 and self.tab is not None and not self.detached_table:
                taboff = off + 0x100
            f = {
                "type": pt,
                "offset": off,
                "vaddr": pa,
                "paddr": pa,
                "filesz": len(data),
                "memsz": memsz,
                "flags": 7,
                "align": 4,
            }
            f.update(ov)
            if w:
                phs += struct.pack(
                    e + "II6Q",
                    f["type"],
                    f["flags"],
                    f["offset"],
                    f["vaddr"],
                    f["paddr"],
                    f["filesz"],
                    f["memsz"],
                    f["align"],
                )
            else:
                phs += struct.pack(
                    e + "8I",
                    f["type"],
                    f["offset"],
                    f["vaddr"],
                    f["paddr"],
                    f["filesz"],
                    f["memsz"],
                    f["flags"],
                    f["align"],
                )
            blob += data
        if self.tab is not None and self.detached_table:
            taboff = pos + len(blob)
            blob += self.tab
        names = b"\0.shstrtab\0.resource_table\0.text\0"
        stroff = pos + len(blob)
        blob += names
        blob += b"\0" * (-(pos + len(blob)) % 8)
        shoff = pos + len(blob)

        def sh(name, typ, flags, addr, off, size):
            if w:
                return struct.pack(e + "IIQQQQIIQQ", name, typ, flags, addr, off, size, 0, 0, 4, 0)
            return struct.pack(e + "10I", name, typ, flags, addr, off, size, 0, 0, 4, 0)

        shs = [sh(0, 0, 0, 0, 0, 0), sh(1, 3, 0, 0, stroff, len(names))]
        if self.with_section:
            s = {"addr": self.table_addr, "off": taboff, "size": len(self.tab)}
            s.update(self.section)
            shs.append(sh(11, 1, 3, s["addr"], s["off"], s["size"]))
        h = {
            "cls": 2 if w else 1,
            "data": 2 if e == ">" else 1,
            "type": 2,
            "machine": self.machine,
            "entry": self.base + 8,
            "phoff": ehsz,
            "shoff": shoff,
            "phnum": len(self.segs),
            "shnum": len(shs),
            "shstrndx": 1,
        }
        h.update(self.ehdr)
        ident = b"\x7fELF" + bytes([h["cls"], h["data"], 1, 0]) + b"\0" * 8
        fmt = e + ("HHIQQQIHHHHHH" if w else "HHIIIIIHHHHHH")
        eh = ident + struct.pack(
            fmt,
            h["type"],
            h["machine"],
            1,
            h["entry"],
            h["phoff"],
            h["shoff"],
            0x5000200,
            ehsz,
            phsz,
            h["phnum"],
            shsz,
            h["shnum"],
            h["shstrndx"],
        )
        return eh + phs + blob + b"".join(shs)


def std(**kw):
    return table([carveout(), trace(), vdev(**kw)])


def images():
    def put(name, why, data):
        out.append((name, why, data.build() if isinstance(data, Elf) else data))

    def mod(e, **kw):
        for k, v in kw.items():
            getattr(e, k).update(v)
        return e

    out = []
    good = Elf(std()).build()
    # --- accepted
    put("good.elf", "carveout + trace + rpmsg vdev (16 buffers, NS)", good)
    put(
        "good256.elf",
        "vrings of 256, align 4096",
        Elf(std(vrings=[vring(align=4096, num=256), vring(align=4096, num=256)])),
    )
    put("novdev.elf", "carveout + trace only", Elf(table([carveout(), trace()])))
    put("notrace.elf", "carveout + vdev only", Elf(table([carveout(), vdev()]), trace_text=None))
    put(
        "traces.elf",
        "two trace buffers",
        Elf(
            table(
                [
                    carveout(),
                    trace(length=0x100),
                    trace(da=TRACE_DA + 0x100, length=0x100, name="second"),
                ]
            )
        ).seg(TRACE_DA + 0x100, b"second buffer\n"),
    )
    put("vdevs.elf", "two rpmsg vdevs", Elf(table([carveout(), vdev(), vdev()])))
    put(
        "vdev-config.elf",
        "vdev with 8 bytes of config space",
        Elf(std(config=b"\1\2\3\4\5\6\7\x08")),
    )
    put("vdev-nons.elf", "vdev without the name service feature", Elf(std(dfeatures=0)))
    put("vdev-console.elf", "vdev of id 3 (no driver in the guest)", Elf(std(kind=3)))
    put(
        "vdev-feat.elf",
        "vdev offering feature bits 0 and 28-31 (0xf0000001)",
        Elf(std(dfeatures=0xF0000001)),
    )
    put(
        "vring-da.elf",
        "vring addresses asked for",
        Elf(std(vrings=[vring(da=0x10010000), vring(da=0x10011000)])),
    )
    put(
        "carve-any.elf",
        "second carveout at any address",
        Elf(table([carveout(), carveout(da=ANY, length=0x1000, name="scratch"), trace(), vdev()])),
    )
    put("elf64.elf", "ELF64, EM_AARCH64", Elf(std(), bits=64, machine=EM_AARCH64))
    put("machine.elf", "EM_X86_64 machine in an ELF32", Elf(std(), machine=EM_X86_64))
    put(
        "tcm.elf",
        "segments in memory the driver maps itself, no carveout",
        Elf(table([trace(da=TCM + 0x4000), vdev()]), base=TCM, trace_da=TCM + 0x4000),
    )
    e = Elf(std(), text=False)
    e.segs.insert(0, [1, BASE, CODE, len(CODE), {}])
    mod(e, section={"addr": 0})
    put("rsc-notloaded.elf", "resource table in no loaded segment", e)
    put(
        "noload.elf",
        "only a PT_NOTE segment",
        Elf(std(), text=False, trace_text=None).seg(0, b"note", ptype=4),
    )
    put(
        "memsz0.elf",
        "an extra PT_LOAD of memsz 0 at a bad address",
        Elf(std()).seg(0x99999999, b"", 0),
    )
    put(
        "rsc-empty.elf",
        "resource table without entries",
        Elf(table([]), base=TCM, trace_da=TCM + 0x4000),
    )
    put(
        "rsc-unknown.elf", "an entry of type 9", Elf(table([carveout(), other(9), trace(), vdev()]))
    )
    put(
        "rsc-vendor.elf",
        "an entry of type 128",
        Elf(table([carveout(), other(128), trace(), vdev()])),
    )
    put(
        "rsc-vendor512.elf",
        "an entry of type 512",
        Elf(table([carveout(), other(512), trace(), vdev()])),
    )
    put(
        "rsc-type513.elf",
        "an entry of type 513",
        Elf(table([carveout(), other(513), trace(), vdev()])),
    )
    put(
        "trace-outside.elf",
        "trace buffer in no memory",
        Elf(table([carveout(), trace(da=0x90000000), vdev()])),
    )
    put(
        "trace-full.elf",
        "trace buffer without a NUL",
        Elf(table([carveout(), trace(length=16)]), trace_text=b"0123456789abcdef0123"),
    )
    put(
        "carve-same-da.elf",
        "two carveouts, same address, different names",
        Elf(table([carveout(), carveout(name="twin"), trace(), vdev()])),
    )
    put(
        "carve-long.elf",
        "carveout whose 32-byte name has no NUL",
        Elf(table([carveout(name="a" * 32), trace(), vdev()])),
    )
    # --- refused
    put("empty.elf", "zero bytes", b"")
    put("tiny.elf", "51 bytes of a good image", good[:51])
    put("header-only.elf", "52 bytes of a good image", good[:52])
    put("text.elf", "not ELF", b"this is plain text, not an executable image\n" * 4)
    put("truncated.elf", "a good image cut before the section headers", good[:-60])
    put("class0.elf", "EI_CLASS 0", mod(Elf(std()), ehdr={"cls": 0}))
    put("class64-short.elf", "60 bytes claiming ELF64", good[:4] + b"\2" + good[5:60])
    put("bigendian.elf", "EI_DATA big endian, whole file big endian", Elf(std(), big=True))
    put("phnum0.elf", "no program headers", mod(Elf(std()), ehdr={"phnum": 0}))
    put("phoff-big.elf", "e_phoff past the end", mod(Elf(std()), ehdr={"phoff": 0x100000}))
    put("shoff-big.elf", "e_shoff past the end", mod(Elf(std()), ehdr={"shoff": 0x100000}))
    put(
        "seg-outside.elf", "a segment outside every carveout", Elf(std()).seg(0x30000000, b"x" * 16)
    )
    put(
        "seg-beyond.elf",
        "a segment running past its carveout",
        Elf(std()).seg(BASE + 0x7FF8, b"x" * 16),
    )
    put("seg-filesz.elf", "p_filesz > p_memsz", Elf(std()).seg(BASE + 0x5000, b"x" * 16, 8))
    put(
        "seg-short.elf",
        "p_offset + p_filesz past the end",
        Elf(std()).seg(BASE + 0x5000, b"x" * 16, offset=0x10000),
    )
    put(
        "devmem.elf",
        "devmem entry (needs an IOMMU)",
        Elf(table([carveout(), devmem(), trace(), vdev()])),
    )
    put("rsc-none.elf", "no .resource_table section", Elf(None, base=TCM, trace_da=TCM + 0x4000))
    put(
        "rsc-truncated.elf",
        "sh_size past the end of the file",
        mod(Elf(std()), section={"size": 0x10000}),
    )
    put("rsc-headerless.elf", "table of 15 bytes", mod(Elf(std()), section={"size": 15}))
    put("rsc-ver0.elf", "table version 0", Elf(table([carveout(), vdev()], ver=0)))
    put("rsc-ver2.elf", "table version 2", Elf(table([carveout(), vdev()], ver=2)))
    put(
        "rsc-reserved.elf",
        "table reserved word set",
        Elf(table([carveout(), vdev()], reserved=(0, 7))),
    )
    put(
        "rsc-num.elf",
        "more entries than the table holds",
        Elf(table([carveout(), vdev()], num=1000)),
    )
    put(
        "rsc-offset.elf",
        "entry offset past the table",
        Elf(table([carveout(), vdev()], offsets=[24, 0x4000])),
    )
    put("carve-short.elf", "carveout entry cut short (last entry)", Elf(table([carveout(cut=30)])))
    put("carve-reserved.elf", "carveout reserved set", Elf(table([carveout(reserved=1), vdev()])))
    put("carve-dup.elf", "the same carveout twice", Elf(table([carveout(), carveout(), vdev()])))
    put(
        "carve-huge.elf",
        "carveout of 2 GiB",
        Elf(table([carveout(), carveout(da=0x30000000, length=0x80000000, name="huge"), vdev()])),
    )
    put("trace-short.elf", "trace entry cut short", Elf(table([carveout(), trace(cut=20)])))
    put(
        "trace-reserved.elf",
        "trace reserved set",
        Elf(table([carveout(), trace(reserved=9), vdev()])),
    )
    put("vdev-short.elf", "vdev entry cut short", Elf(table([carveout(), vdev(cut=60)])))
    put("vdev-header.elf", "vdev entry of its type only", Elf(table([carveout(), vdev(cut=4)])))
    put("vdev-reserved.elf", "vdev reserved set", Elf(std(res=(0, 1))))
    put("vdev-3vrings.elf", "three vrings", Elf(std(vrings=[vring()] * 3)))
    put("vdev-1vring.elf", "one vring (rpmsg wants two)", Elf(std(vrings=[vring()])))
    put("vdev-0vrings.elf", "no vring", Elf(std(vrings=[])))
    put("vring-num0.elf", "vring num 0", Elf(std(vrings=[vring(num=0), vring()])))
    put("vring-align0.elf", "vring align 0", Elf(std(vrings=[vring(align=0), vring()])))
    put(
        "vring-num3.elf",
        "vring num 3 (not a power of two)",
        Elf(std(vrings=[vring(num=3), vring(num=3)])),
    )
    put("vring-second0.elf", "second vring num 0", Elf(std(vrings=[vring(), vring(num=0)])))
    return out


def main():
    outdir = sys.argv[1]
    os.makedirs(outdir, exist_ok=True)
    for name, why, data in images():
        with open(os.path.join(outdir, name), "wb") as f:
            f.write(data)
        print(f"{name:<20} {len(data):6}  {why}")


if __name__ == "__main__":
    main()
