"""What processes share: private files, locks, the cache folder, Redis."""
