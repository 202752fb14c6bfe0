"""What a tenant is filled with: seeded, imported, or changing over time."""
