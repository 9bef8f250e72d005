"""Plans: what a solve decided, on disk and on the map, and the independent check of every figure in it."""
