"""The inspector: a page that shows the exchanges between applications live, and the API behind it.

It knows no application by name: a `RowSource` provides rows and details, and the server of the page names the lanes.
"""
