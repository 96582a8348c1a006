"""The colours that follow from the one accent colour of the settings, readable in light and dark."""

from __future__ import annotations

Rgb = tuple[float, float, float]

WHITE, BLACK = "#ffffff", "#000000"
#: The backgrounds that accent-coloured text stands on, the least favourable of each scheme (see site.css).
LIGHT_SURFACE, DARK_SURFACE, DARK_PAGE = "#f3f5f7", "#22272e", "#14171b"
#: WCAG 2.2, 1.4.3: text needs a contrast of 4.5 to 1.
READABLE = 4.5
#: Thin bright letters on dark look paler than the ratio says.
_READABLE_ON_DARK = 6.0


def contrast(one: str, other: str) -> float:
    """The contrast ratio of two colours (`#rrggbb`), 1 to 21, as WCAG 2.2 defines it."""
    brighter, darker = sorted((_luminance(_rgb(one)), _luminance(_rgb(other))), reverse=True)
    return (brighter + 0.05) / (darker + 0.05)


def readable(color: str, background: str, ratio: float = READABLE) -> str:
    """The nearest shade of a colour that can be read on a background: mixed with black or white as little as needed."""
    towards = BLACK if contrast(background, BLACK) > contrast(background, WHITE) else WHITE
    for step in range(101):
        shade = mix(color, towards, step / 100)
        if contrast(shade, background) >= ratio:
            return shade
    return towards


def text_on(background: str) -> str:
    """White or black, whichever is read better on a colour; one of them always has a contrast above 4.5."""
    return WHITE if contrast(WHITE, background) >= contrast(BLACK, background) else BLACK


def mix(color: str, other: str, share: float) -> str:
    """A colour with `share` (0 to 1) of another one in it."""
    pairs = zip(_rgb(color), _rgb(other), strict=True)
    return "#" + "".join(f"{round((a * (1 - share) + b * share) * 255):02x}" for a, b in pairs)


def stylesheet(accent: str) -> str:
    """`/theme.css`: the accent tokens for light and dark."""
    light, dark = readable(accent, LIGHT_SURFACE), readable(accent, DARK_SURFACE, _READABLE_ON_DARK)
    return (
        f":root {{\n{_tokens(light, WHITE, BLACK)}}}\n"
        f"@media (prefers-color-scheme: dark) {{\n:root {{\n{_tokens(dark, DARK_PAGE, WHITE)}}}\n}}\n"
    )


def _tokens(accent: str, background: str, away: str) -> str:
    values = {
        "--accent": accent,
        "--accent-hover": mix(accent, away, 0.18),
        "--accent-soft": mix(background, accent, 0.1),
        "--on-accent": text_on(accent),
    }
    return "".join(f"  {name}: {value};\n" for name, value in values.items())


def favicon(accent: str) -> str:
    """`/favicon.svg`: a line of text, the first one, on a rounded square of the accent colour."""
    ink = text_on(accent)
    return (
        '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 32 32">'
        f'<rect width="32" height="32" rx="8" fill="{accent}"/>'
        f'<path d="M8 10h16" stroke="{ink}" stroke-width="4" stroke-linecap="round"/>'
        f'<path d="M8 17h12M8 23h8" stroke="{ink}" stroke-width="3" stroke-linecap="round" opacity=".55"/></svg>'
    )


def _rgb(color: str) -> Rgb:
    red, green, blue = (int(color[at : at + 2], 16) / 255 for at in (1, 3, 5))
    return red, green, blue


def _luminance(rgb: Rgb) -> float:
    red, green, blue = (c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in rgb)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue
