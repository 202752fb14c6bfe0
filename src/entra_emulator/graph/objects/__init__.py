"""What all types of directory objects have in common: to list, show, write and link them."""
