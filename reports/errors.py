"""What a user can mend about a folder of pages; the command line turns it into its own kind of error."""

__all__ = ["CannotPublish"]


class CannotPublish(ValueError):  # noqa: N818
    """Pages cannot go to a folder; ``fix`` says what to do about it."""

    def __init__(self, message: str, fix: str) -> None:
        super().__init__(message)
        self.fix = fix
