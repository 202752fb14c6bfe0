"""Reports on a directory: complete listings in, typed rows with findings out."""
