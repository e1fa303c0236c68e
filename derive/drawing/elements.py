"""SVG by hand: elements as text, escaped, and pictures with a name that is read aloud."""

from __future__ import annotations

from html import escape


def element(tag: str, *inside: str, **attributes: object) -> str:
    """<tag a-b="...">inside</tag>; an underscore in a name is a hyphen.

    >>> element("text", "a", text_anchor="middle")
    '<text text-anchor="middle">a</text>'
    """
    given = "".join(
        f' {name.strip("_").replace("_", "-")}="{escape(_short(value))}"'
        for name, value in attributes.items()
    )
    return f"<{tag}{given}>{''.join(inside)}</{tag}>" if inside else f"<{tag}{given}/>"


def picture(title: str, width: float, height: float, *inside: str) -> str:
    """A picture as large as its units are pixels, which shrinks with the page."""
    return element(
        "svg",
        element("title", escape(title)),
        *inside,
        xmlns="http://www.w3.org/2000/svg",
        role="img",
        aria_label=title,
        viewBox=f"0 0 {_short(float(width))} {_short(float(height))}",
        width=float(width),
        height=float(height),
        style="max-width:100%;height:auto;print-color-adjust:exact",
    )


def words(text: str, x: float, y: float, size: float = 12, **attributes: object) -> str:
    """Words whose middle is at (x, y)."""
    given: dict[str, object] = {"text_anchor": "middle", "dy": "0.35em", "fill": "currentColor"}
    given |= {"font_size": float(size), "font_family": "sans-serif"}
    return element("text", escape(text), x=float(x), y=float(y), **{**given, **attributes})


def _short(value: object) -> str:
    """Numbers with at most two digits behind the point."""
    return f"{value:.2f}".rstrip("0").rstrip(".") if isinstance(value, float) else str(value)
