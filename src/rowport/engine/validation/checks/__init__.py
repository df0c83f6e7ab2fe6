"""Rules written as SQL expressions: parsed, refused unless known, worked out a chunk at a time.

`lexing` and `syntax` (which holds the parser) say what may be written, `compiling` gives every
part its type, and the other modules work parts out; `check` is what one calls.
"""
