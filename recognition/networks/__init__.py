"""Every Keras architecture. Importing a module of this room costs seconds: only training and conversion do."""
