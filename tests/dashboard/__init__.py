"""The dashboard, part by part and page by page."""
