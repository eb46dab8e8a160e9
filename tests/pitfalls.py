#!/usr/bin/env python3
"""Which of the 185 pitfalls of the provider handbook has a test: a comment "pitfall 12" or
"pitfalls 12, 13 and 20 to 22" in or before a test marks it. Prints the numbers that no test has; the exit
code is 1 if there are any."""

import re
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
COUNT = 185

# Those that cannot happen here, and why: a number and a sentence of our own.
IMPOSSIBLE = {}

MARK = re.compile(r"\bpitfalls? (\d+(?:(?:,| and|, and| to) \d+)*)", re.IGNORECASE)
TEST = re.compile(r"^(?:START_TEST\((\w+)\)|(?:    )?def (test_\w+)\()", re.MULTILINE)


def numbers_of(words):
    """12 and 14 to 16: 12, 14, 15, 16."""
    for first, last in re.findall(r"(\d+)(?: to (\d+))?", words):
        yield from range(int(first), int(last or first) + 1)


def sources():
    for pattern in ("tests/**/*.c", "tests/**/*.py", "plugins/**/test_*.c", "examples/**/*_test.lua"):
        for path in sorted(ROOT.glob(pattern)):
            if path.name != Path(__file__).name:
                yield path


def flat(text):
    """Line breaks inside comments become blanks, and no offset moves."""
    return re.sub(r"(?<=[\d,d])\n\s*(?:\*|//|#)?\s*(?=\d|and )",
                  lambda match: match.group().replace("\n", " ")[-1:].rjust(len(match.group())),
                  text)


def test_of(tests, text, at):
    """The name of the test that the place is in, or that comes next."""
    before = [test for test in tests if test.start() < at]
    after = [test for test in tests if test.start() >= at]
    line = text[text.rfind("\n", 0, at) + 1 : at]
    is_inside = before and "END_TEST" not in text[before[-1].start() : at] and line[:1] in " \t{"
    test = before[-1] if is_inside or not after else after[0]
    return test.group(1) or test.group(2)


def covered():
    """{number: [(file, test)]}"""
    found = {}
    for path in sources():
        text = flat(path.read_text())
        tests = list(TEST.finditer(text))
        for mark in MARK.finditer(text) if tests else ():
            place = (path.relative_to(ROOT).as_posix(), test_of(tests, text, mark.start()))
            for number in numbers_of(mark.group(1)):
                places = found.setdefault(number, [])
                if place not in places:
                    places.append(place)
    return found


def main():
    found = covered()
    wrong = [number for number in found if not 1 <= number <= COUNT]
    without = [number for number in range(1, COUNT + 1)
               if number not in found and number not in IMPOSSIBLE]
    print(f"{len(found)} of {COUNT} have a test, {len(IMPOSSIBLE)} cannot happen, "
          f"{len(without)} have neither")
    if without:
        print("without:", ", ".join(map(str, without)))
    if wrong:
        print("no such pitfalls:", ", ".join(map(str, wrong)))
    return 1 if without or wrong else 0


if __name__ == "__main__":
    sys.exit(main())
