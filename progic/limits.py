"""How large a picture may be."""

MAX_PIXELS = 100_000_000  # a 4:3 photo of 11500 pixels across; more is taken for a decompression bomb
