"""Where what is left of a text stood in it."""

from bisect import bisect_right


class Places:
    """Where the characters of a text that is made of another one, from left to right, stand in that other one."""

    def __init__(self) -> None:
        self._starts: list[int] = []  # where in the text that is made a stretch begins
        self._origins: list[tuple[int, int]] = []  # where in the other one, and how many characters follow there too
        self._length = 0

    def add(self, length: int, origin: int, follow: int) -> None:
        """The next so many characters: `follow` of them stand from `origin` on, the others for the last of these."""
        if self._starts and follow == length:
            first, before = self._origins[-1]
            if origin == first + before and self._length == self._starts[-1] + before:
                self._origins[-1] = first, before + length
                self._length += length
                return
        if length:
            self._starts.append(self._length)
            self._origins.append((origin, follow))
            self._length += length

    def origin(self, at: int) -> int:
        """Where the character `at` stands in the other text."""
        index = bisect_right(self._starts, at) - 1
        if index < 0:
            return at
        first, follow = self._origins[index]
        return first + min(at - self._starts[index], max(0, follow - 1))

    def span(self, start: int, end: int) -> tuple[int, int]:
        """Where the characters from `start` to before `end` stand in the other text, at least one of them."""
        return self.origin(start), self.origin(max(start, end - 1)) + 1
