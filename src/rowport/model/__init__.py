"""The words of Rowport as frozen values: no I/O, standard library only."""
