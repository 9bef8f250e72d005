"""What binds a plan, what it is worth, and how far that holds."""
