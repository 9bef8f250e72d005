"""Steps that derive the Texas dataset from three published packages."""
