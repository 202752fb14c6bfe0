"""Somebody's program, run as it is: its calls to Microsoft's hosts reach an emulator."""
