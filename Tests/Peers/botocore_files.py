"""How botocore reads profile files, and takes commands apart: JSON in, JSON out.

In: {"files": [path], "commands": [line]}. Out: for each file its profiles and services, or null where
it is refused; for each command its words, or null.
"""
import json
import shlex
import sys

import botocore.configloader
import botocore.exceptions

asked = json.load(sys.stdin)


def parsed(path):
    try:
        read = botocore.configloader.load_config(path)
    except botocore.exceptions.ConfigParseError:
        return None
    return {"profiles": read["profiles"], "services": read["services"]}


def words(line):
    try:
        return shlex.split(line)
    except ValueError:
        return None


json.dump({"files": [parsed(path) for path in asked["files"]],
           "commands": [words(line) for line in asked["commands"]]}, sys.stdout)
