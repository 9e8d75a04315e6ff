"""Files of the program: replaced at once or not at all, plain, and in a folder that is held."""
