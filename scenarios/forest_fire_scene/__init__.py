"""The rooms of the rendered forest fire: land, conifers, forest, flames, smoke and film."""
