"""What can be asked of Rowport: the use cases that every face calls."""
