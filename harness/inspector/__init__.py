"""The inspector: one page that shows what applications say to each other, live, and the API that it reads.

It knows no application: a `RowSource` gives it rows and details, whoever serves it says which lanes there are.
"""
