"""Questions to a folder of news articles, every sentence of the answer bound to exact words.

corpus -> passages -> vectors -> ledger -> caches; question -> hits -> sentences -> Answer.
"""

from rag.archive import Archive, __version__, build, open_archive
from rag.errors import RagError
from rag.schema import Answer, Article, Citation, Hit, Passage, Reading, Statement, Turn
from rag.settings import Settings, load_settings
from rag.support import check

__all__ = [
    "Answer",
    "Archive",
    "Article",
    "Citation",
    "Hit",
    "Passage",
    "RagError",
    "Reading",
    "Settings",
    "Statement",
    "Turn",
    "__version__",
    "build",
    "check",
    "load_settings",
    "open_archive",
]
