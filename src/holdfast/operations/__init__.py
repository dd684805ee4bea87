"""What can be asked for: a folder per noun, a file per verb. A file holds one verb whole."""
