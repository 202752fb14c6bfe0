"""The portal's pages, one file each."""
