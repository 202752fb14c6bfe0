"""A tenant made up: users, groups, devices, applications, the same for the same seed, for ever."""
