"""Parsers that are not trusted, each in a process of its own that can do little harm.

`process` starts one and reads its answer; the other modules run inside and import nothing of
Rowport but `confinement`.
"""
