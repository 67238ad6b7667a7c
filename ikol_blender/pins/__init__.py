"""Re-solve around the animator's hand: what is pinned holds exactly, the motion around it gives way smoothly."""
