"""OData query options as Graph understands them: read, checked, compiled."""
