"""boto3, unchanged, as `larder exec` starts it: what it has for credentials and for tables, one scene a run.

Arguments: the scene, and moto's own address where there is one. Prints JSON.
"""
import json
import os
import sys
import urllib.request

import boto3
from botocore.utils import ContainerMetadataFetcher

scene = sys.argv[1]
direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))


def counts():
    return json.load(direct.open(sys.argv[2] + "/counts"))


def fetch():
    return ContainerMetadataFetcher().retrieve_full_uri(
        os.environ["AWS_CONTAINER_CREDENTIALS_FULL_URI"],
        headers={"Authorization": os.environ["AWS_CONTAINER_AUTHORIZATION_TOKEN"]})


def reads():
    """A thousand credential reads by botocore's own fetcher, and items through both faces."""
    keys = {fetch()["AccessKeyId"] for _ in range(1000)}
    db = boto3.client("dynamodb")
    key = {"account_number": {"S": "200000000003"}}
    replies = [db.get_item(TableName="accounts", Key=key) for _ in range(20)]
    table = boto3.resource("dynamodb").Table("accounts")
    item = table.get_item(Key={"account_number": "200000000003"})["Item"]
    found = boto3.Session().get_credentials()
    return {"keys": len(keys), "method": found.method, "items": [r["Item"]["name"]["S"] for r in replies] + [item["name"]],
            "cache": [r["ResponseMetadata"]["HTTPHeaders"].get("x-cache") for r in replies],
            "frozen": found.get_frozen_credentials().access_key in keys, "counts": counts()}


def own():
    """The engine's own identity, in its own account."""
    item = boto3.client("dynamodb").get_item(TableName="accounts", Key={"account_number": {"S": "100000000003"}})["Item"]
    return {"name": item["name"]["S"], "key": fetch()["AccessKeyId"]}


print(json.dumps(globals()[scene]()))
