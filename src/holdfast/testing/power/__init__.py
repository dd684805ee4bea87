"""Power loss: a disk that forgets what was not synced, SQLite on it, and every state that a cut can leave."""
