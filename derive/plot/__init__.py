"""Pictures of what `derive` finds, drawn with matplotlib: `pip install 'equiderive[plot]'`.

Every function takes a solution, other objects of `derive` or arrays, and returns a figure. Nothing global
changes: no pyplot, no style. `width` is in inches (4 suits a phone, 6.4 a notebook); `ax`: axes to draw into.

>>> import derive as dv
>>> from derive import plot
>>> x = dv.Field(dv.wallpaper("p4m"), name="x")
>>> figure = plot.tying(dv.solve(x, x, dv.box(2)))
"""

try:
    import matplotlib as _matplotlib  # noqa: F401
except ImportError:
    raise ImportError(
        "derive.plot draws with matplotlib, which is not installed; pip install 'equiderive[plot]'"
    ) from None

from derive.plot.arrays import kernels
from derive.plot.bases import basis, tying
from derive.plot.counts import ladder
from derive.plot.error_maps import error_map
from derive.plot.images import orbit
from derive.plot.matrices import influence, weight_images, weight_matrix
from derive.plot.network import audit
from derive.plot.tensors import graph_maps
from derive.plot.wallpapers import wallpaper

__all__ = [
    "audit",
    "basis",
    "error_map",
    "graph_maps",
    "influence",
    "kernels",
    "ladder",
    "orbit",
    "tying",
    "wallpaper",
    "weight_images",
    "weight_matrix",
]
