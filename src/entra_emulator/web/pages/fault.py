"""What a page of the portal raises when it refuses."""


class PortalFault(Exception):  # noqa: N818 - a refusal, not an error of ours
    """
    The portal refuses.

    Args:
        status: the HTTP status.
        word: whose texts are `refused.{word}.title` and `refused.{word}.text`.
        values: what those texts have in braces.
    """

    def __init__(self, status: int, word: str, **values: object) -> None:
        super().__init__(f"{status} {word}")
        self.status = status
        self.word = word
        self.values = values
