"""What was tried where a figure is not reached: printed beside it in the first table while it is missed."""

TRIED: dict[str, str] = {}
