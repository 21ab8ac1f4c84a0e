"""How weights and graphs that travel with the package were made."""
