"""Site data-center campuses on a transmission grid, under N-1 security."""
