"""Puts items into a table of its own in a moto server and reads them as boto3 does: JSON in and out.

In: {"endpoint", "region", "items": [item...], "reads": [{"key", "consistent", "attributes"}...]},
items and keys in DynamoDB JSON. Out: for each read the item, or null where there is none.

In: {"plain": [[item, text]...]}, items in DynamoDB JSON and the plain JSON made of each. Out: the
places of those whose text is not what boto3 makes of the item, every number compared as a Decimal.
"""
import base64
import decimal
import json
import sys

import boto3
from boto3.dynamodb.types import Binary, TypeDeserializer

BINARY = ("B", "BS")


def read(value):
    """DynamoDB JSON to what boto3's low-level client takes: binary values as bytes."""
    (kind, inner), = value.items()
    if kind == "B":
        return {kind: base64.b64decode(inner)}
    if kind == "BS":
        return {kind: [base64.b64decode(item) for item in inner]}
    if kind == "L":
        return {kind: [read(item) for item in inner]}
    if kind == "M":
        return {kind: {name: read(item) for name, item in inner.items()}}
    return value


def written(value):
    (kind, inner), = value.items()
    if kind == "B":
        return {kind: base64.b64encode(inner).decode()}
    if kind == "BS":
        return {kind: sorted(base64.b64encode(item).decode() for item in inner)}
    if kind == "L":
        return {kind: [written(item) for item in inner]}
    if kind == "M":
        return {kind: {name: written(item) for name, item in inner.items()}}
    return {kind: sorted(inner)} if kind in ("SS", "NS") else value


def plain(value):
    """What boto3 makes of an item as plain JSON has it: sets are lists, binary is base64."""
    if isinstance(value, dict):
        return {name: plain(inner) for name, inner in value.items()}
    if isinstance(value, list):
        return [plain(inner) for inner in value]
    if isinstance(value, set):
        return sorted((plain(inner) for inner in value), key=repr)
    return base64.b64encode(value.value).decode() if isinstance(value, Binary) else value


def same(kinds, theirs, ours):
    """Whether two are one, of the same types; of a set any order will do."""
    (kind, inner), = kinds.items()
    if kind == "M":
        return ours.keys() == theirs.keys() and all(
            same(inner[name], theirs[name], ours[name]) for name in inner)
    if kind == "L":
        return len(ours) == len(inner) and all(map(same, inner, theirs, ours))
    if kind in ("SS", "NS", "BS"):
        return sorted(ours, key=repr) == theirs or sorted(ours) == sorted(theirs)
    return type(ours) is type(theirs) and ours == theirs


job = json.load(sys.stdin)
if "plain" in job:
    wrong = []
    for place, (item, text) in enumerate(job["plain"]):
        ours = json.loads(text, parse_float=decimal.Decimal, parse_int=decimal.Decimal)
        theirs = TypeDeserializer().deserialize({"M": {n: read(v) for n, v in item.items()}})
        if not same({"M": item}, plain(theirs), ours):
            wrong.append(place)
    json.dump(wrong, sys.stdout)
    sys.exit()
keys = job["keys"]
client = boto3.client("dynamodb", region_name=job["region"], endpoint_url=job["endpoint"],
                      aws_access_key_id=keys[0], aws_secret_access_key=keys[1])
if "items" in job:
    client.create_table(
        TableName=job["table"], BillingMode="PAY_PER_REQUEST",
        KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}, {"AttributeName": "at", "KeyType": "RANGE"}],
        AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"},
                              {"AttributeName": "at", "AttributeType": "N"}])
    for item in job["items"]:
        client.put_item(TableName=job["table"], Item={name: read(value) for name, value in item.items()})
answers = []
for wanted in job["reads"]:
    options = {}
    if wanted["attributes"]:
        names = {f"#a{place}": name for place, name in enumerate(wanted["attributes"])}
        options = {"ProjectionExpression": ", ".join(names), "ExpressionAttributeNames": names}
    found = client.get_item(
        TableName=job["table"], Key={name: read(value) for name, value in wanted["key"].items()},
        ConsistentRead=wanted["consistent"], **options)
    item = found.get("Item")
    answers.append(item and {name: written(value) for name, value in item.items()})
json.dump(answers, sys.stdout)
