"""Finds the end of a JSON object while its text arrives."""


class ObjectScan:
    """Follows braces and strings; whether the JSON is valid otherwise is not its concern."""

    def __init__(self) -> None:
        self.complete = False
        self._depth = 0
        self._in_string = False
        self._escaped = False

    def length_in(self, text: str) -> int:
        """How much of the text that follows belongs to the object: all of it until it ends."""
        for at, char in enumerate(text):
            if self._in_string:
                self._in_string = self._escaped or char != '"'
                self._escaped = char == "\\" and not self._escaped
            elif char == '"':
                self._in_string = True
            elif char in "{[":
                self._depth += 1
            elif char in "}]":
                self._depth -= 1
                if self._depth == 0:
                    self.complete = True
                    return at + 1
        return len(text)
