"""The site, built by `make docs`: pages in MyST, formulas as MathML, notebooks with their outputs.

Nothing is fetched when it is read: no script, style, font or picture comes from another place.
"""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path

HERE = Path(__file__).parent
ROOT = HERE.parent
sys.path.insert(0, str(ROOT))
os.environ["PYTHONPATH"] = str(ROOT)  # notebooks run in processes of their own
os.environ.setdefault("JAX_PLATFORMS", "cpu")  # outputs are the same wherever the site is built

project = "equiderive"
author = "The equiderive authors"
copyright = author
extensions = [
    "myst_nb",
    "sphinx.ext.autodoc",
    "sphinx.ext.autosummary",
    "sphinx.ext.viewcode",
    "sphinx_copybutton",
    "docs._ext.docstrings",
    "docs._ext.links",
    "docs._ext.mathml",
    "docs._ext.public",
]
exclude_patterns = ["_build", "_ext", "*.py"]
nitpicky = True

# ---- notebooks: they lie outside, and are run here once for every change of theirs
NOTEBOOKS = HERE / "notebooks"
NOTEBOOKS.mkdir(exist_ok=True)
for old in NOTEBOOKS.glob("*.ipynb"):
    if not (ROOT / "notebooks" / old.name).exists():
        old.unlink()
for notebook in (ROOT / "notebooks").glob("[0-9]*.ipynb"):
    copy = NOTEBOOKS / notebook.name
    if not copy.exists() or copy.read_bytes() != notebook.read_bytes():
        shutil.copyfile(notebook, copy)
nb_execution_mode = "cache"
nb_execution_cache_path = str(HERE / "_build" / "executed")
nb_execution_raise_on_error = True
nb_execution_timeout = 300
nb_execution_show_tb = True
nb_merge_streams = True

# ---- pages
myst_enable_extensions = ["attrs_inline", "colon_fence", "dollarmath"]
myst_heading_anchors = 3
autodoc_typehints = "none"  # shapes and meanings are in the texts
autodoc_preserve_defaults = True
autodoc_member_order = "bysource"
autosummary_generate = False
python_maximum_signature_line_length = 80
add_module_names = False
smartquotes = False  # u' is a letter with a prime
viewcode_line_numbers = True
copybutton_prompt_text = r">>> |\.\.\. |\$ "
copybutton_prompt_is_regexp = True
copybutton_only_copy_prompt_lines = True

# ---- how it looks
html_theme = "furo"
html_title = "equiderive"
html_static_path = ["_static"]
html_css_files = ["site.css"]
html_show_sphinx = False
html_show_sourcelink = False
html_copy_source = False
html_show_search_summary = False  # it is fetched, which browsers refuse where pages are files
html_math_renderer = "mathml"
pygments_style = "friendly"
pygments_dark_style = "github-dark"
html_theme_options = {"navigation_with_keys": False}
