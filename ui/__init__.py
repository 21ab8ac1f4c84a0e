"""The chat page over one archive: read the answer, click a citation, see the exact words.

``app`` puts the page together (start there); ``render``, ``evidence``, ``sidebar`` and ``exports``
turn plain values into escaped HTML and text; ``conversations`` keeps what was asked and answered.
"""
