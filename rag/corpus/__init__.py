"""A folder -> Articles: decoding, title, date, outlet; what was skipped and why.

    folder -> FileEntry -> bytes --decoding--> text --markdown | web_page | json_lines--> Metadata
                                                '-- masthead (dates), stray_lines --> Article

What a file says is data: nothing in it is executed, fetched or followed. No file outside the
folder is ever read.
"""

from __future__ import annotations

from rag.corpus.decoding import UndecodableError, decode
from rag.corpus.folder import FileEntry, file_sha256, list_files
from rag.corpus.reading import read_articles

__all__ = ["FileEntry", "UndecodableError", "decode", "file_sha256", "list_files", "read_articles"]
