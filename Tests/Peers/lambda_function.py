"""The recipe as a Lambda function: an item at import time, and one for each invoke.

There is no cache in it. For comparison it has the recipe's own, by cachetools, before the same item.
"""
import os
import time

import boto3
from cachetools import TTLCache, cached

client = boto3.client("dynamodb")


def account(number):
    return client.get_item(TableName="accounts", Key={"account_number": {"S": number}})


@cached(TTLCache(maxsize=64, ttl=300))
def recipe(number):
    return account(number)


usual = os.environ.get("FUNCTION_ACCOUNT", "100000000001")
first = account(usual)["Item"]["account_number"]["S"]


def handler(event, context):
    number = event.get("account", usual)
    began = time.perf_counter()
    try:
        reply = account(number)
    except Exception as error:
        return {"error": type(error).__name__, "words": str(error)[:300]}
    took = time.perf_counter() - began
    found = {
        "name": reply["Item"]["account_number"]["S"],
        "first": first,
        "cache": reply["ResponseMetadata"]["HTTPHeaders"].get("x-cache"),
        "microseconds": round(took * 1e6),
        "key": client._request_signer._credentials.access_key,
    }
    if event.get("compare"):
        recipe(number)
        began = time.perf_counter()
        recipe(number)
        found["cachetools"] = round((time.perf_counter() - began) * 1e6)
    return found
