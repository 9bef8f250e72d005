"""What people look at: the report of a plan, and the map of candidates, each one file that opens offline."""

from optimizer.report.html import sites_map, write_report

__all__ = ["sites_map", "write_report"]
