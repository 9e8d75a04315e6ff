"""Campaigns of faults: programs that kill, crowd and deceive the commands, and count what is lost."""
