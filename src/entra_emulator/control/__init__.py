"""The routes below `/_emulator/`, through which tests set the clock, faults and limits."""
