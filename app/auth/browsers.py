"""Names for browsers, from what they say of themselves. No library: the list only has to help a person recognise their own."""

from __future__ import annotations

# In this order: most browsers also name those that they are made of.
BROWSERS = {
    "Edg": "Edge",
    "OPR/": "Opera",
    "SamsungBrowser": "Samsung Internet",
    "Vivaldi": "Vivaldi",
    "FxiOS": "Firefox",
    "Firefox": "Firefox",
    "CriOS": "Chrome",
    "HeadlessChrome": "Chrome",
    "Chrome": "Chrome",
    "Safari": "Safari",
    "curl": "curl",
    "python": "a Python program",
}
SYSTEMS = {
    "iPhone": "iPhone",
    "iPad": "iPad",
    "Android": "Android",
    "CrOS": "ChromeOS",
    "Windows": "Windows",
    "Macintosh": "Mac",
    "Linux": "Linux",
}
PHONES = ("iPhone", "Android", "iPad")


def describe(user_agent: str) -> str:
    """Give a browser and its system in plain words, like "Firefox on Android"."""
    browser = _first(BROWSERS, user_agent)
    system = _first(SYSTEMS, user_agent)
    if browser and system:
        return f"{browser} on {system}"
    return browser[:1].upper() + browser[1:] or (f"A browser on {system}" if system else "Unknown browser")


def is_handheld(user_agent: str) -> bool:
    """Whether it is a phone or a tablet."""
    return any(name in user_agent for name in PHONES)


def _first(names: dict[str, str], user_agent: str) -> str:
    return next((name for mark, name in names.items() if mark in user_agent), "")
