"""The commands of `satsim`, a file each: they read the command line, call the rooms, say what came of it."""
