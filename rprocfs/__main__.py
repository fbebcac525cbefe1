"""``python -m rprocfs``."""

import sys

from rprocfs.cli import main

sys.exit(main())
