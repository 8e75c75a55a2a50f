"""The guarded reader of the published data."""
