"""What a variable message sign may say: pure, from what is known to a frame, from it to what is shown."""
