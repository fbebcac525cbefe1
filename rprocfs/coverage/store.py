"""What was executed, in a directory.

``IMAGE.elf`` is an image, and ``IMAGE-PID-PROCESSOR.json`` are boots of it by one daemon:
``{"image": "IMAGE", "name": "app.elf", "boots": 2, "differences": [[address, difference], ...]}``.
IMAGE are the first digits of the image's SHA-256. A difference says how much more often the code
from that address on was executed than the code in front of it.
"""

from __future__ import annotations

import hashlib
import json
import logging
import os
import re
from collections import Counter
from collections.abc import Iterable
from pathlib import Path

log = logging.getLogger(__name__)

#: Differences that are kept of one image: more is no firmware.
MOST = 1 << 19


class Store:
    """Writes to *directory*, which is made, for the processor *label* of this process.

    A failure is logged once, and what was to be written is kept for the next boot.
    """

    def __init__(self, directory: str, label: str) -> None:
        self._directory = Path(directory)
        self._label = re.sub("[^A-Za-z0-9._]", "_", label)
        self._images: dict[str, tuple[int, Counter[int]]] = {}
        self._complained = False

    def add(self, image: bytes, name: str, differences: Iterable[tuple[int, int]]) -> None:
        """One more boot of *image*, whose file was called *name*."""
        key = hashlib.sha256(image).hexdigest()[:16]
        boots, total = self._images.get(key, (0, Counter()))
        for address, difference in differences:
            if address in total or len(total) < MOST:
                total[address] += difference
        self._images[key] = boots + 1, total
        about = {
            "image": key,
            "name": name,
            "boots": boots + 1,
            "differences": sorted(total.items()),
        }
        try:
            self._directory.mkdir(parents=True, exist_ok=True)
            _write(self._directory / f"{key}.elf", image)
            file = self._directory / f"{key}-{os.getpid()}-{self._label}.json"
            _write(file, json.dumps(about).encode())
        except OSError as failure:
            if not self._complained:
                self._complained = True
                log.warning("coverage=%s: %s", self._directory, failure.strerror)


def _write(path: Path, content: bytes) -> None:
    """At once, or not at all."""
    part = path.with_name(f".{path.name}.{os.getpid()}")
    part.write_bytes(content)
    part.replace(path)
