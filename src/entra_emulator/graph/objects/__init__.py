"""The operations of all types of directory objects: list, show, write and link them."""
