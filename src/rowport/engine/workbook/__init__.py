"""Office Open XML workbooks, read as a stream of rows in bounded memory.

Columnar readers of workbooks load the whole grid and write numbers with nine decimals at most,
dates with a made-up time and error cells as nothing.  What stands in the file is text already;
this package takes it from there.
"""
