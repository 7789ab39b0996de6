"""The learned reader of whole pages: what is where, at all scales; which way is up; live."""
