"""The exception by which a page of the portal refuses a request."""


class PortalRefusal(Exception):  # noqa: N818 - a refusal, not an error of ours
    """
    The portal refuses a request; a page says why.

    The word names the texts of that page, `refused.{word}.title` and `refused.{word}.text`; they
    need the values in the place of names in braces.
    """

    def __init__(self, status: int, word: str, **values: object) -> None:
        super().__init__(f"{status} {word}")
        self.status = status
        self.word = word
        self.values = values
