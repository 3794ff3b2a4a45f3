"""Puts items into a table of its own in a moto server and reads them as boto3 does: JSON in and out.

In: {"endpoint", "region", "items": [item...], "reads": [{"key", "consistent", "attributes"}...]},
items and keys in DynamoDB JSON. Out: for each read the item, or null where there is none.
"""
import base64
import json
import sys

import boto3

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


job = json.load(sys.stdin)
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
