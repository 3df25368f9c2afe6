"""The commands of `progic`, a file each: they read the command line, call the rooms, print."""
