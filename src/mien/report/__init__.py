"""Results for reading: tables, plots, HTML pages and attention maps."""
