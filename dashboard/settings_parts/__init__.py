"""The tabs of the Settings page: each draws itself with `draw()`."""
