"""Says of requests to AssumeRole whether the model of STS in botocore takes them: JSON in and out.

In: a list of requests, each a list of [path, text or number] with paths such as "RoleSessionName",
"Tags.Key". Out: for each whether lengths, ranges and patterns of the model hold.
"""
import json
import re
import sys
import unicodedata

import botocore.session

shapes = botocore.session.get_session().get_service_model("sts")
members = shapes.operation_model("AssumeRole").input_shape.members


def shape(path):
    first, *rest = path.split(".")
    found = members[first]
    for name in rest:
        found = found.member.members[name]
    return found.member if found.type_name == "list" else found


def matches(pattern, text):
    # Java's \\w and \\d are ASCII's; Python has no \\p{L}, so a letter of the kind stands for it.
    kinds = {"L": "a", "N": "0", "Z": " "}
    for kind, letter in kinds.items():
        if f"\\p{{{kind}}}" in pattern:
            pattern = pattern.replace(f"\\p{{{kind}}}", letter)
            text = "".join(letter if unicodedata.category(c)[0] == kind else c for c in text)
    pattern = pattern.replace("\\u10000-\\u10FFFF", "\U00010000-\U0010FFFF")
    return re.fullmatch(pattern, text, re.ASCII) is not None


def takes(path, value):
    rules = shape(path).metadata
    if isinstance(value, int):
        return rules["min"] <= value <= rules["max"]
    length = len(value.encode("utf-16-le")) // 2
    if not rules.get("min", 0) <= length <= rules.get("max", length):
        return False
    return matches(rules["pattern"], value) if "pattern" in rules else True


json.dump([all(takes(path, value) for path, value in request) for request in json.load(sys.stdin)],
          sys.stdout)
