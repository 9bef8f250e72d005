"""What people look at: the report of a plan, and the page of candidate sites, each one file that opens offline."""

from optimizer.report.html import sites_map, sites_page, write_report

__all__ = ["sites_map", "sites_page", "write_report"]
