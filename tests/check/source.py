# SPDX-License-Identifier: GPL-2.0-or-later
"""What the checks share: finding files and looking at C text."""

import pathlib
import re


def strip_comments(text, strings=True):
    """C text without comments and (if asked) with empty strings; lines stay where they are."""
    pattern = re.compile(
        r'//[^\n]*|/\*.*?\*/|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])*\'', re.DOTALL)

    def replace(match):
        found = match.group(0)
        if found.startswith('/'):
            return re.sub(r'[^\n]', ' ', found)
        if not strings:
            return found
        return found[0] + found[-1] if found[0] == '"' else "'x'"

    return pattern.sub(replace, text)


def c_files(root, *folders):
    """All .c and .h files below the folders, as paths relative to root."""
    root = pathlib.Path(root)
    for folder in folders:
        for path in sorted((root / folder).rglob('*')):
            if path.suffix in ('.c', '.h') and path.is_file():
                yield path.relative_to(root)


def table(text, name):
    """Arguments of each NAME(...) line in a table macro: a list of lists of strings. String
    literals lose their quotes, adjacent ones are joined."""
    text = strip_comments(text, strings=False).replace('\\\n', ' ')
    rows = []
    for match in re.finditer(r'\b%s\(' % name, text):
        if text.rfind('#define', text.rfind('\n', 0, match.start()) + 1, match.start()) >= 0 and \
           re.match(r'\s*#define\s+\w+\($', text[text.rfind('\n', 0, match.start()) + 1:match.end()]):
            continue
        arguments, depth, current, i = [], 1, '', match.end()
        while i < len(text) and depth:
            literal = re.compile(r'"(?:\\.|[^"\\])*"').match(text, i)
            if literal:
                current += literal.group(0)
                i = literal.end()
                continue
            c = text[i]
            depth += {'(': 1, ')': -1}.get(c, 0)
            if c == ',' and depth == 1:
                arguments.append(current)
                current = ''
            elif depth:
                current += c
            i += 1
        arguments.append(current)
        rows.append([clean(a) for a in arguments])
    return rows


def clean(argument):
    argument = argument.strip()
    if argument.startswith('"'):
        return ''.join(re.findall(r'"((?:\\.|[^"\\])*)"', argument))
    return argument


class Report:
    """Collects what is wrong and says it once."""

    def __init__(self):
        self.problems = []

    def add(self, place, words):
        self.problems.append(f'{place}: {words}')

    def finish(self):
        for problem in self.problems:
            print(problem)
        print(f'{len(self.problems)} problems' if self.problems else 'all good')
        return 1 if self.problems else 0
