"""Pages in the browser: what a script can do, served to this computer alone."""
