"""Meters read over HTTP: exporters of other machines, wall plugs and management controllers."""
