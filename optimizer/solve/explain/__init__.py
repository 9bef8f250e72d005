"""Why there is no plan, and why a site is in one or not."""
