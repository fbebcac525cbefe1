"""Samples, in a directory.

``IMAGE.elf`` is an image, ``IMAGE-PID-PROCESSOR.samples`` are the samples of its boots by one
daemon, :data:`rprocfs.engines.ring.SAMPLES` one behind the other. IMAGE are the first digits of the
image's SHA-256.
"""

from __future__ import annotations

import hashlib
import logging
import os
import re
from pathlib import Path

log = logging.getLogger(__name__)

#: Bytes of a file, at most.
MOST = 256 << 20


class SampleStore:
    """Writes to *directory*, which is made, for the processor *label* of this process.

    A failure is logged once, and ends it.
    """

    def __init__(self, directory: str, label: str) -> None:
        self._directory = Path(directory)
        self._label = re.sub("[^A-Za-z0-9._]", "_", label)
        self._file: Path | None = None
        self._failed = False

    def begin(self, image: bytes) -> None:
        """The samples to come are of *image*."""
        key = hashlib.sha256(image).hexdigest()[:16]
        self._file = self._directory / f"{key}-{os.getpid()}-{self._label}.samples"
        try:
            self._directory.mkdir(parents=True, exist_ok=True)
            copy = self._directory / f"{key}.elf"
            if not copy.exists():
                part = copy.with_name(f".{copy.name}.{os.getpid()}")
                part.write_bytes(image)
                part.replace(copy)
        except OSError as failure:
            self._complain(failure)

    def add(self, samples: bytes) -> None:
        """Some more; none are written once the file has MOST bytes."""
        if self._failed or self._file is None or not samples:
            return
        try:
            with self._file.open("ab") as file:
                if file.tell() < MOST:
                    file.write(samples)
        except OSError as failure:
            self._complain(failure)

    def _complain(self, failure: OSError) -> None:
        if not self._failed:
            self._failed = True
            log.warning("profile=%s: %s", self._directory, failure.strerror)
