"""Tests of the queue in front of a server."""
