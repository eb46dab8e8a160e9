"""Files of JSON lines that another process is writing."""

import json


def read_lines(path):
    """The whole lines of the file, read as JSON; none if it is not there yet."""
    try:
        text = path.read_bytes()
    except FileNotFoundError:
        return []
    return [json.loads(line) for line in text.split(b"\n")[:-1] if line.strip()]
