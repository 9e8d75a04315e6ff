"""The interactive viewer: a window, or a page."""
