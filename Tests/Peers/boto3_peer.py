"""boto3 beside larder-bench: a workload a line in, microseconds a call out.

  boto3 ENDPOINT       get_item of one account, each answered at the endpoint
  cachetools ENDPOINT  the same call, decorated with cachetools' cache: answered in this process
"""
import sys
from time import perf_counter_ns

import boto3
import cachetools

AIM = 500e6


def asking(endpoint):
    db = boto3.client("dynamodb", endpoint_url=endpoint)

    def account(number):
        return db.get_item(TableName="accounts", Key={"account_number": {"S": number}})["Item"]

    return account


def sample(call):
    call("100000000005")
    count = 16
    while True:
        began = perf_counter_ns()
        for _ in range(count):
            call("100000000005")
        took = perf_counter_ns() - began
        if took > AIM / 4:
            return took / count / 1e3
        count = max(2 * count, int(count * AIM / max(took, 1) / 2))


known = {}
for line in sys.stdin:
    if line not in known:
        way, endpoint = line.split()
        call = asking(endpoint)
        if way == "cachetools":
            call = cachetools.cached(cachetools.TTLCache(maxsize=64, ttl=3600))(call)
        known[line] = call
    print(sample(known[line]), flush=True)
