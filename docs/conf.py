"""How the documentation is built: ``sphinx-build -W docs OUT``."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

import generate

import rprocfs

project = "rprocfs"
project_copyright = "the rprocfs authors, MIT"
release = version = rprocfs.__version__
suppress_warnings = ["config.cache"]
extensions = ["myst_parser", "sphinx.ext.autodoc"]
exclude_patterns = ["_build"]
html_theme = "furo"
html_title = f"rprocfs {version}"
myst_enable_extensions = ["colon_fence", "deflist"]
myst_heading_anchors = 3
autodoc_member_order = "bysource"
autodoc_typehints = "description"
# Docstrings name types that others define; only our own pages have to resolve.
nitpicky = False


def setup(app):
    """Write the pages that the code knows best before anything is read."""
    app.connect("builder-inited", lambda app: generate.write(Path(app.srcdir) / "reference"))
