"""The sound of films: whether a file has it, and how it is copied into another one."""
