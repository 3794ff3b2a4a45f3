"""boto3, unchanged, before a gateway: what it reads and what it costs, one scene a run.

Arguments: the scene, the gateway's address, and moto's own where there is one. Keys, region and the
gateway's endpoint come from the environment, as for any program. Prints JSON.
"""
import json
import random
import sys
import threading
import urllib.request

import boto3
from boto3.dynamodb.types import TypeDeserializer
from botocore.config import Config
from botocore.exceptions import ClientError

scene, gateway = sys.argv[1:3]
moto = sys.argv[3] if len(sys.argv) > 3 else None
once = Config(retries={"total_max_attempts": 1})


def client(endpoint=None, **more):
    return boto3.client("dynamodb", endpoint_url=endpoint, config=once, **more)


def counts():
    return json.load(urllib.request.urlopen(moto + "/counts"))


def make(db, name, *names):
    db.create_table(TableName=name, BillingMode="PAY_PER_REQUEST",
                    AttributeDefinitions=[{"AttributeName": n, "AttributeType": t} for n, t in names],
                    KeySchema=[{"AttributeName": n, "KeyType": kind}
                               for (n, _), kind in zip(names, ("HASH", "RANGE"))])


def cache_of(reply):
    return reply["ResponseMetadata"]["HTTPHeaders"].get("x-cache")


def reads():
    """Twenty reads of one key, by client and resource, and reads of all kinds beside them."""
    db = client()
    before = counts().get("GetItem", 0)
    key = {"account_number": {"S": "100000000005"}}
    replies = [db.get_item(TableName="accounts", Key=key) for _ in range(10)]
    table = boto3.resource("dynamodb").Table("accounts")
    items = [table.get_item(Key={"account_number": "100000000005"})["Item"] for _ in range(10)]
    found = {"getItems": counts()["GetItem"] - before, "caches": [cache_of(r) for r in replies],
             "same": all(r["Item"] == replies[0]["Item"] for r in replies)
             and all(i["credit"] == items[0]["credit"] for i in items)}
    before = counts().get("BatchGetItem", 0)
    keys = [{"account_number": {"S": str(100000000000 + n)}} for n in [5, 6, 7, 99]]
    batches = [db.batch_get_item(RequestItems={"accounts": {"Keys": keys}}) for _ in range(3)]
    found["batches"] = counts()["BatchGetItem"] - before
    found["batchCaches"] = [cache_of(b) for b in batches]
    found["batchItems"] = [sorted(i["account_number"]["S"][-3:] for i in b["Responses"]["accounts"]) for b in batches]
    found["missing"] = ["Item" in db.get_item(TableName="accounts", Key={"account_number": {"S": "nope"}}) for _ in range(2)]
    found["scan"] = db.scan(TableName="accounts", Limit=3)["Count"]
    try:
        db.get_item(TableName="nope", Key=key)
    except ClientError as error:
        found["unknown"] = error.response["Error"]["Code"]
    try:
        db.delete_item(TableName="accounts", Key=key)
    except ClientError as error:
        found["denied"] = error.response["Error"]["Code"]
    found["endpoints"] = db.describe_endpoints()["Endpoints"]
    return found


def strangers():
    """Whoever is not known, and what boto3 makes of that."""
    key = {"account_number": {"S": "100000000005"}}
    found = {}
    for name, more in {"unknown": {"aws_access_key_id": "AKIASTRANGER", "aws_secret_access_key": "x"},
                       "wrong": {"aws_secret_access_key": "wrong", "aws_access_key_id": json.loads(sys.argv[4])},
                       "region": {"region_name": "eu-west-1"}}.items():
        try:
            client(**more).get_item(TableName="accounts", Key=key)
        except ClientError as error:
            found[name] = [error.response["Error"]["Code"], error.response["ResponseMetadata"]["HTTPStatusCode"],
                           error.response["Error"]["Message"]]
    return found


def writes():
    """Each verb that writes, and the read behind it."""
    db, direct = client(), client(moto)
    make(db, "written", ("id", "S"))
    item = {"id": {"S": "a"}, "v": {"N": "0"}}
    key = {"id": {"S": "a"}}
    steps = {
        "put": lambda v: db.put_item(TableName="written", Item={**item, "v": {"N": v}}),
        "update": lambda v: db.update_item(TableName="written", Key=key, UpdateExpression="SET v = :v",
                                           ExpressionAttributeValues={":v": {"N": v}}),
        "batch": lambda v: db.batch_write_item(RequestItems={"written": [{"PutRequest": {"Item": {**item, "v": {"N": v}}}}]}),
        "transaction": lambda v: db.transact_write_items(TransactItems=[{"Update": {
            "TableName": "written", "Key": key, "UpdateExpression": "SET v = :v",
            "ExpressionAttributeValues": {":v": {"N": v}}}}]),
        "statement": lambda v: db.execute_statement(Statement="UPDATE \"written\" SET v=? WHERE id=?",
                                                    Parameters=[{"N": v}, {"S": "a"}]),
    }
    found = {}
    db.put_item(TableName="written", Item=item)
    for number, (name, write) in enumerate(steps.items(), 1):
        db.get_item(TableName="written", Key=key)
        db.get_item(TableName="written", Key=key, ProjectionExpression="v")
        held = cache_of(db.get_item(TableName="written", Key=key))
        write(str(number))
        read = db.get_item(TableName="written", Key=key)
        part = db.get_item(TableName="written", Key=key, ProjectionExpression="v")
        found[name] = [held, cache_of(read), read["Item"]["v"]["N"] == str(number),
                       part["Item"]["v"]["N"] == str(number), direct.get_item(TableName="written", Key=key)["Item"] == read["Item"]]
    db.delete_item(TableName="written", Key=key)
    found["delete"] = "Item" in db.get_item(TableName="written", Key=key)
    return found


def hammer():
    """Several clients at random: no read is older than the client's own last write."""
    make(client(), "hammered", ("h", "S"), ("r", "N"))
    rounds, stale, hits, lock = int(sys.argv[4]), [], [0], threading.Lock()
    read = TypeDeserializer().deserialize

    def one(name):
        db, rnd, wrote = client(), random.Random(name), {}
        for step in range(rounds):
            r = rnd.randrange(3)
            key = {"h": {"S": str(name)}, "r": {"N": rnd.choice([str(r), f"{r}.0", f"0{r}"])}}
            item = {**key, "v": {"N": str(step)}}
            match rnd.randrange(12):
                case 0: db.put_item(TableName="hammered", Item=item); wrote[r] = step
                case 1: db.update_item(TableName="hammered", Key=key, UpdateExpression="SET v = :v",
                                       ExpressionAttributeValues={":v": {"N": str(step)}}); wrote[r] = step
                case 2: db.delete_item(TableName="hammered", Key=key); wrote[r] = None
                case 3: db.batch_write_item(RequestItems={"hammered": [{"PutRequest": {"Item": item}}]}); wrote[r] = step
                case 4: db.transact_write_items(TransactItems=[{"Put": {"TableName": "hammered", "Item": item}}]); wrote[r] = step
                case 5:
                    keys = [{"h": {"S": str(name)}, "r": {"N": str(n)}} for n in range(3)]
                    reply = db.batch_get_item(RequestItems={"hammered": {"Keys": keys}})
                    got = {int(read(i["r"])): int(read(i["v"])) for i in reply["Responses"]["hammered"]}
                    for n in range(3):
                        if got.get(n) != wrote.get(n):
                            stale.append(["batch", name, step, n, got.get(n), wrote.get(n)])
                case kind:
                    more = {"ProjectionExpression": "v"} if kind == 6 else {}
                    reply = db.get_item(TableName="hammered", Key=key, **more)
                    with lock:
                        hits[0] += cache_of(reply) == "hit"
                    got = int(reply["Item"]["v"]["N"]) if reply.get("Item") else None
                    if got != wrote.get(r):
                        stale.append(["get", name, step, r, got, wrote.get(r)])

    threads = [threading.Thread(target=one, args=(n,)) for n in range(4)]
    for thread in threads: thread.start()
    for thread in threads: thread.join()
    return {"stale": stale, "hits": hits[0]}


def demo():
    """The demo's table, with no AWS at all."""
    db = client(aws_access_key_id="any", aws_secret_access_key="any", region_name="us-east-1")
    table = boto3.resource("dynamodb", aws_access_key_id="a", aws_secret_access_key="b", region_name="us-east-1").Table("accounts")
    key = {"account_number": "100000000003"}
    first, second = table.get_item(Key=key), table.get_item(Key=key)
    found = {"caches": [cache_of(first), cache_of(second)], "item": {n: str(v) for n, v in first["Item"].items()},
             "missing": "Item" in table.get_item(Key={"account_number": "1"}),
             "some": table.get_item(Key=key, ProjectionExpression="#n", ExpressionAttributeNames={"#n": "name"})["Item"].keys() == {"name"},
             "scan": table.scan(Limit=5)["Count"], "table": db.describe_table(TableName="accounts")["Table"]["TableStatus"],
             "batch": len(db.batch_get_item(RequestItems={"accounts": {"Keys": [
                 {"account_number": {"S": str(100000000000 + n)}} for n in range(7)]}})["Responses"]["accounts"])}
    try:
        table.put_item(Item=key)
    except ClientError as error:
        found["refused"] = error.response["Error"]["Code"]
    return found


print(json.dumps(globals()[scene]()))
