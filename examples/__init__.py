"""Programs that show what the recorder is for."""
