"""Map layers: what is known of a place, one subject a file.

Every layer has ``COLUMNS``, the columns it adds with unit and meaning; ``Options``, its settings; and
``attach(places, ..., options)``, which returns those columns for the same index and leaves its input alone. Places are
land cells or the user's own sites: a GeoDataFrame in the region's equal-area projection, see `optimizer.layers.places`.
"""
