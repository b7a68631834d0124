"""Input files of the demonstration. SYNTHETIC: see ORIGIN.md."""
