"""What every type of directory object can: list, show, create, change, delete, refer."""
