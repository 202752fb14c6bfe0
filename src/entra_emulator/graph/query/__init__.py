"""The query options of OData, as Graph understands them."""
