"""Layers that encoders share."""
