"""Delimited text: how it is encoded, how it is laid out, where its records end, what they say.

Everything works on UTF-8 bytes; `encodings` brings other encodings there and keeps the way back
to the bytes of the file.  A record whose quotes RFC 4180 allows is *clean* and is left to the
columnar reader; any other goes through `tokenizer`, alone.
"""
