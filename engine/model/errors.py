"""What can be wrong with a model's files, in words for people."""


class ModelFileError(Exception):
    """A weights file is missing, damaged or of a kind this engine does not run: one clear line."""


class ChatTemplateError(ValueError):
    """The model's chat template refuses these messages: one clear line."""


class GrammarError(Exception):
    """A grammar that cannot be read or is too complex. The message is one line for people."""
