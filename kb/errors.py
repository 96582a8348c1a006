"""Everything `kb` raises on purpose.

KbError
├── SourceError            the articles folder or file as a whole cannot be used
├── RepositoryError        git cannot do what was asked of the repository of the articles
│   └── RepositoryTimeout  it took too long and was ended
├── EvaluationFileError    a line of a queries or docs file cannot be read
├── EncoderError           an encoder is missing, damaged or not the one asked for
├── DataFolderError        the data folder cannot be written
├── TrainingDataError      too few questions to train an encoder on
└── SnapshotError
    ├── SnapshotMissing    nothing was built yet
    ├── SnapshotDamaged    files differ from what the manifest says
    └── SnapshotForeign    made by another format or another program
"""

from __future__ import annotations


class KbError(Exception):
    """Root of all errors of the knowledge base; the message is written for the person who can mend it."""


class SourceError(KbError):
    """The articles folder or file as a whole cannot be used."""


class RepositoryError(KbError):
    """git cannot do what was asked of the repository of the articles."""


class RepositoryTimeout(RepositoryError):  # noqa: N818
    """It took too long and was ended."""


class EvaluationFileError(KbError):
    """A line of a queries or docs file cannot be read."""


class EncoderError(KbError):
    """An encoder is missing, damaged or not the one asked for."""


class DataFolderError(KbError):
    """The data folder cannot be written."""


class TrainingDataError(KbError):
    """There are too few questions to train an encoder on."""


class SnapshotError(KbError):
    """A snapshot cannot be opened."""


class SnapshotMissing(SnapshotError):  # noqa: N818 - reads as what happened
    """Nothing was built yet in this data folder."""


class SnapshotDamaged(SnapshotError):  # noqa: N818
    """Files of the snapshot differ from what its manifest says."""


class SnapshotForeign(SnapshotError):  # noqa: N818
    """The snapshot was made by another format or another program."""
