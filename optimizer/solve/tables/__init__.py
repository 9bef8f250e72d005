"""From a solved model to the tables of a plan."""
