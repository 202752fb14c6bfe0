"""How HTML pages are made and look."""
