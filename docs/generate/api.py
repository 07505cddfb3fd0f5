"""To be written."""


def make_pages() -> dict[str, str]:
    return {}
