"""Words of reports and labels."""


def counted(count: int, noun: str) -> str:
    """ "1 pin", "2 pins"."""
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"
