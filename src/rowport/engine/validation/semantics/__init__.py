"""What a text means beyond its type: an e-mail address, a country, an IBAN.

Each meaning has a vectorised path that takes the common form and the best-kept library behind
it, which is asked once for each distinct odd text.  The fast path only ever accepts what the
library accepts.  A field's `semantic` judges by it; the transform of the same name writes the
normal form.
"""
