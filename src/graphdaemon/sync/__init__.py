"""A store that is kept in step with the directory. Begin with `collection.py`."""
