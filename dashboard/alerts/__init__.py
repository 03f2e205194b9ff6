"""Alerts: what rules read, how it is told, and how it is sent."""
