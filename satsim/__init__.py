"""satsim puts a photo's bytes on a simulated satellite short-message link and says what is seen, and when."""
