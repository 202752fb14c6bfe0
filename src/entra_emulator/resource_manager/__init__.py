"""Azure Resource Manager, as far as signing in to it goes: there are no resources here."""
