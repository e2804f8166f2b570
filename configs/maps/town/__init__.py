"""The parts of make_town.py."""
