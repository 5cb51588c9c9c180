"""A person without a pointer: walks with Tab, presses with Enter and Space, writes where the walk ended."""

from __future__ import annotations

from playwright.sync_api import TimeoutError

MOST_STOPS = 250
"""Far more than any page has controls; a walk that long went round."""
HERE = """() => {
  const one = document.activeElement;
  if (!one || one === document.body) return ["", ""];
  const labels = one.labels ? [...one.labels].map((label) => label.innerText) : [];
  const named = one.getAttribute("aria-label") || labels.join(" ") || one.innerText || one.value || "";
  const seen = getComputedStyle(one);
  const outlined = seen.outlineStyle !== "none" && parseFloat(seen.outlineWidth) > 0;
  return [named.replace(/\\s+/g, " ").trim(), one.id, outlined || seen.boxShadow !== "none"];
}"""


class Keyboard:
    """``to`` names a control by its words, or by ``#id``."""

    def __init__(self, page):
        self.page = page

    def to(self, words):
        """Tab until the control is reached; fails where it cannot be, or where the walk does not show."""
        met = []
        for _ in range(MOST_STOPS):
            self.page.keyboard.press("Tab")
            named, own, *shown = self.page.evaluate(HERE)
            met.append(named or own)
            if named.startswith(words) or f"#{own}" == words:
                assert shown == [True], f"{words!r} is reached, and nobody sees it"
                return self
        raise AssertionError(f"Tab never comes to {words!r}; it comes to {sorted(set(met))}")

    def go(self):
        """Enter on what leads to another page, or to this one again."""
        with self.page.expect_navigation(wait_until="networkidle"):
            self.page.keyboard.press("Enter")
        return self

    def chooser(self):
        """The dialogue of a file field; a busy machine may miss the first key."""
        for key in ("Enter", "Space", "Enter"):
            try:
                with self.page.expect_file_chooser(timeout=5_000) as chooser:
                    self.page.keyboard.press(key)
                return chooser.value
            except TimeoutError:
                continue
        raise AssertionError("no key opens the dialogue of the file field")

    def write(self, words, text):
        self.to(words)
        self.page.keyboard.press("Control+A")
        self.page.keyboard.type(text)
        return self
