"""Re-identification of people by their whole body."""
