"""One gallery of people for many machines: the same as `people`, in a PostgreSQL database."""
