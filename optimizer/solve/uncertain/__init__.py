"""One choice of sites for several futures."""
