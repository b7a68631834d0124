"""The demonstration: the three journeys on synthetic data."""
