"""The reference has every public name once, and docstrings become the markup that was meant."""

from __future__ import annotations

import re
from importlib import import_module
from inspect import getdoc
from pathlib import Path

import pytest

from docs._ext.docstrings import markup, words
from docs._ext.entries import entry
from docs._ext.links import inside

REFERENCE = Path(__file__).parents[2] / "docs" / "reference"
LISTS = re.compile(r"^```\{public\} (\S+)\n(.*?)^```", flags=re.MULTILINE | re.DOTALL)
PACKAGES = ("derive", "kernels", "kernels.layers.equinox", "kernels.layers.flax", "derive.plot")


def listed() -> dict[str, list[str]]:
    """The names on the pages, by package."""
    found: dict[str, list[str]] = {}
    for page in REFERENCE.glob("*.md"):
        for package, names in LISTS.findall(page.read_text()):
            found.setdefault(package, []).extend(names.split())
    return found


@pytest.mark.parametrize("package", PACKAGES)
def test_every_public_name_is_there_once(package: str) -> None:
    assert sorted(listed()[package]) == sorted(import_module(package).__all__)


def test_nothing_else_is_there() -> None:
    assert set(listed()) == set(PACKAGES)


@pytest.mark.parametrize("package", PACKAGES)
def test_every_name_says_what_it_is(package: str) -> None:
    for name in listed()[package]:
        text = getdoc(getattr(import_module(package), name))
        assert text, name
        assert entry(package, name)[0].endswith(name), name


def test_kinds_of_things_have_their_directive() -> None:
    assert entry("derive", "solve") == [".. autofunction:: derive.solve"]
    assert entry("derive", "SizeError") == [".. autoexception:: derive.SizeError"]
    assert entry("derive", "Field")[:2] == [".. autoclass:: derive.Field", "   :members:"]
    assert entry("kernels", "radial")[0] == ".. automodule:: kernels.radial"
    assert entry("kernels.layers.flax", "Conv") == [".. autoclass:: kernels.layers.flax.Conv"]


# ---- docstrings -----------------------------------------------------------------------------------------

TEXT = """Words about `x`, |d| and x_1.

    y = A x

Args:
    x, y: what is given,
        on two lines.
    mode: one of
    how: several:
        "A": the first
        of them;
        "B": the second.

Returns:
    A number: this one.

Raises:
    KernelError: it breaks a rule.

>>> 1
1

Source: somebody."""

EXPECTED = r"""Words about ``x``, \|d\| and x\_1.

.. code-block:: none
   :class: equation

   y = A x

:Arguments:
   * ``x``, ``y``: what is given,
     on two lines.
   * ``mode``: one of
   * ``how``: several:

     * "A": the first
       of them;
     * "B": the second.

:Returns:
   A number: this one.

:Raises:
   * :py:obj:`KernelError <kernels.KernelError>`: it breaks a rule.


.. code-block:: pycon

   >>> 1
   1

Source: somebody."""


def squeezed(lines: list[str]) -> str:
    return re.sub(r"\n{2,}", "\n\n", "\n".join(lines)).strip()


def test_a_docstring_becomes_markup() -> None:
    assert squeezed(list(markup(TEXT.splitlines(), "kernels.conv"))) == squeezed(EXPECTED.splitlines())


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("see `conv`", "see :py:obj:`conv <kernels.conv>`"),
        ("`dv.trivial`", ":py:obj:`dv.trivial <derive.trivial>`"),
        ("`kernels.lower`", ":py:obj:`kernels.lower <kernels.lower>`"),
        ("`solution.basis` and ``a * b``", "``solution.basis`` and ``a * b``"),
        ("two`x`s", r"two\ ``x``\ s"),
        ("a * b_c | d", r"a \* b\_c \| d"),
        ("", ""),
    ],
)
def test_words_of_a_docstring(text: str, expected: str) -> None:
    assert words(text, "kernels.audit") == expected


@pytest.mark.parametrize(
    ("text", "depth", "expected"),
    [
        ("[m](../benchmarks/RESULTS.md)", 0, "[m](measured.md)"),
        ("[m](../../benchmarks/RESULTS.md)", 1, "[m](../measured.md)"),
        ("[n](../notebooks/01_a.ipynb)", 0, "[n](notebooks/01_a.ipynb)"),
        ("[n](../../notebooks/01_a.ipynb)", 1, "[n](../notebooks/01_a.ipynb)"),
        ("[o](other.md) [o](../gallery.md)", 1, "[o](other.md) [o](../gallery.md)"),
    ],
)
def test_links_to_files_outside_lead_to_pages(text: str, depth: int, expected: str) -> None:
    assert inside(text, depth) == expected
