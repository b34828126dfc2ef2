"""Figures in words; light, so that every command may import it."""


def format_score(score: float | None, metric: str) -> str:
    """Return an accuracy as a percentage, a loss with four digits."""
    if score is None:
        return "-"
    return f"{100 * score:.2f}%" if metric == "accuracy" else f"{score:.4f}"


def format_seconds(seconds: float | None) -> str:
    """Return a duration for people: 42 s, 7 min 05 s, 3 h 20 min."""
    if seconds is None:
        return "?"
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60:02} s"
    return f"{whole // 3600} h {whole % 3600 // 60:02} min"


def format_roughly(low: float, high: float) -> str:
    """Return a range of seconds as it is guessed: about 5 s, about 40 min to 2 h."""
    first, last = _roughly(low), _roughly(high)
    if first == last:
        return f"about {first}"
    number, unit = first.split()
    return f"about {number if unit == last.split()[1] else first} to {last}"


def _roughly(seconds: float) -> str:
    """Return a duration to one or two digits, in the unit that it is spoken of."""
    sizes = (("s", 1), ("min", 60), ("h", 3600), ("days", 86400))
    unit, size = [one for one in sizes if one[1] == 1 or seconds >= 1.5 * one[1]][-1]
    number = seconds / size
    step = 5 if number >= 10 else 1 if unit in ("s", "min") else 0.5
    return f"{max(round(number / step) * step, step):g} {unit}"


def format_setting(value: object) -> str:
    """Return a setting's value as a recipe has it: true, 'kfold', 3; none where it is not set."""
    if isinstance(value, bool):
        return str(value).lower()
    return "none" if value is None else repr(value)


def format_epochs(epochs: int) -> str:
    """Return "1 epoch", "2 epochs" and so on."""
    return f"{epochs} epoch" if epochs == 1 else f"{epochs} epochs"


def format_folds(n_folds: int, of: int) -> str:
    """Return " on 1 of 5 folds" for a trial with fewer folds than the study has, else nothing."""
    return f" on {n_folds} of {of} folds" if n_folds < of else ""


def format_bytes(count: int) -> str:
    """Return a size for people: 512 bytes, 3.4 MB, 12 GB."""
    if count < 1_000_000:
        return f"{count:,} bytes" if count < 1000 else f"{count / 1e3:.0f} kB"
    size, unit = (count / 1e9, "GB") if count >= 1e9 else (count / 1e6, "MB")
    return f"{size:.1f} {unit}" if size < 10 else f"{size:,.0f} {unit}"


def printable(text: str) -> str:
    """Return the text with escapes for what could do something to a terminal."""
    return "".join(letter if letter.isprintable() else repr(letter)[1:-1] for letter in text)


def one_line(text: str) -> str:
    """Return the text on one line, with escapes for what could do something to a terminal."""
    return printable(" ".join(text.split()))
