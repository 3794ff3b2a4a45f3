"""boto3, unchanged, before a gateway: what it reads and what it costs, one scene a run.

Arguments: the scene, the gateway's address, and moto's own where there is one. Keys, region and the
gateway's endpoint come from the environment, as for any program. Prints JSON.
"""
import datetime
import hashlib
import hmac
import itertools
import json
import random
import subprocess
import sys
import threading
import time
import urllib.request
import zlib
from collections import Counter

import boto3
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


def streams():
    """A write behind the gateway's back is seen as soon as the table's stream tells of it."""
    db, behind = client(), client(moto)
    db.create_table(TableName="followed", BillingMode="PAY_PER_REQUEST",
                    AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
                    KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
                    StreamSpecification={"StreamEnabled": True, "StreamViewType": "KEYS_ONLY"})
    key = {"id": {"S": "a"}}
    db.put_item(TableName="followed", Item={**key, "v": {"N": "0"}})

    def until(isThat):
        """The last reply, once that is true of it, or after a while."""
        began = time.monotonic()
        while True:
            reply = db.get_item(TableName="followed", Key=key)
            if isThat(reply) or time.monotonic() - began > 30:
                return reply
            time.sleep(0.1)

    # What is written before the stream is found is dropped once more, and what it tells of at first.
    for _ in range(300):
        if counts().get("GetRecords"):
            break
        time.sleep(0.1)
    time.sleep(3)
    first = cache_of(until(lambda reply: cache_of(reply) == "hit"))
    behind.put_item(TableName="followed", Item={**key, "v": {"N": "1"}})
    seen = until(lambda reply: reply["Item"]["v"]["N"] == "1")["Item"]["v"]["N"]
    return {"first": first, "seen": seen}


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
    """Four clients at random. What each reads is held against its own writes, and against what moto
    itself says at that moment, unless somebody is writing the item just then."""
    make(client(), "hammered", ("h", "S"), ("r", "N"))
    total, seed, lock, steps = int(sys.argv[4]), sys.argv[5], threading.Lock(), itertools.count(1)
    begun, ended, kinds = Counter(), Counter(), Counter()
    found = {"stale": [], "differs": [], "failed": [], "hits": 0, "compared": 0}

    def value(item):
        return int(item["v"]["N"]) if item else None

    def one(name):
        db, direct, wrote = client(), client(moto), {}
        rnd = random.Random(f"{seed} {name}")
        own, shared = [(str(name), r) for r in range(3)], [("all", r) for r in range(6)]

        def key(item):
            """One number may be written in many ways."""
            r = item[1]
            return {"h": {"S": item[0]}, "r": {"N": rnd.choice([str(r), f"{r}.0", f"0{r}"])}}

        def plain(item):
            """What is stored: moto's PartiQL compares numbers as they are written."""
            return {"h": {"S": item[0]}, "r": {"N": str(item[1])}}

        def put(item, v):
            return {**plain(item), "v": {"N": str(v)}}

        def change(item, v):
            return {"Key": plain(item), "UpdateExpression": "SET v = :v",
                    "ExpressionAttributeValues": {":v": {"N": str(v)}}}

        def words(item, v):
            """PartiQL as far as moto has it: it changes what is there and makes what is not."""
            h, r = item
            if wrote.get(item) is None:
                return {"Statement": f"INSERT INTO hammered VALUE {{'h': '{h}', 'r': {r}, 'v': {v}}}"}
            return {"Statement": "UPDATE hammered SET v=? WHERE h=? AND r=?",
                    "Parameters": [{"N": str(v)}, {"S": h}, {"N": str(r)}]}

        def write(kind, items, v):
            """What it leaves behind in each of the items."""
            item = items[0]
            match kind:
                case "PutItem": db.put_item(TableName="hammered", Item=put(item, v))
                case "UpdateItem": db.update_item(TableName="hammered", **change(item, v))
                case "DeleteItem": db.delete_item(TableName="hammered", Key=key(item)); return None
                case "RefusedPut":
                    try:
                        db.put_item(TableName="hammered", Item=put(item, v),
                                    ConditionExpression="attribute_exists(nothing)")
                    except db.exceptions.ConditionalCheckFailedException:
                        return wrote.get(item)
                case "BatchWriteItem":
                    db.batch_write_item(RequestItems={"hammered": [{"PutRequest": {"Item": put(i, v)}} for i in items]})
                case "BatchDelete":
                    db.batch_write_item(RequestItems={"hammered": [{"DeleteRequest": {"Key": key(i)}} for i in items]})
                    return None
                case "TransactWriteItems":
                    db.transact_write_items(TransactItems=[
                        {"Update": {"TableName": "hammered", **change(i, v)}} if rnd.random() < 0.5
                        else {"Put": {"TableName": "hammered", "Item": put(i, v)}} for i in items])
                case "TransactDelete":
                    db.transact_write_items(TransactItems=[
                        {"Delete": {"TableName": "hammered", "Key": key(i)}} for i in items])
                    return None
                case "ExecuteStatement": db.execute_statement(**words(item, v))
                case "BatchExecuteStatement": db.batch_execute_statement(Statements=[words(item, v)])
                case "ExecuteTransaction": db.execute_transaction(TransactStatements=[words(item, v)])
            return v

        def read(kind, items):
            item = items[0]
            match kind:
                case "GetItem": reply = db.get_item(TableName="hammered", Key=key(item))
                case "Projected": reply = db.get_item(TableName="hammered", Key=key(item), ProjectionExpression="v")
                case "Named":
                    reply = db.get_item(TableName="hammered", Key=key(item), ProjectionExpression="#v, h",
                                        ExpressionAttributeNames={"#v": "v"})
                case "Consistent": reply = db.get_item(TableName="hammered", Key=key(item), ConsistentRead=True)
                case "TransactGetItems":
                    reply = db.transact_get_items(TransactItems=[{"Get": {"TableName": "hammered", "Key": key(i)}} for i in items])
                    return [value(r.get("Item")) for r in reply["Responses"]]
                case "Query":
                    reply = db.query(TableName="hammered", KeyConditionExpression="h = :h",
                                     ExpressionAttributeValues={":h": {"S": item[0]}})
                    got = {int(float(i["r"]["N"])): value(i) for i in reply["Items"]}
                    return [got.get(i[1]) for i in items]
                case "Select":
                    reply = db.execute_statement(Statement="SELECT * FROM hammered WHERE h = ? AND r = ?",
                                                 Parameters=[{"S": item[0]}, {"N": str(item[1])}])
                    return [value(next(iter(reply["Items"]), None))]
                case "BatchGetItem":
                    reply = db.batch_get_item(RequestItems={"hammered": {"Keys": [key(i) for i in items]}})
                    got = {(i["h"]["S"], int(float(i["r"]["N"]))): value(i) for i in reply["Responses"]["hammered"]}
                    found["hits"] += cache_of(reply) == "hit"
                    return [got.get(i) for i in items]
            found["hits"] += cache_of(reply) == "hit"
            return [value(reply.get("Item"))]

        writes = ["PutItem", "UpdateItem", "DeleteItem", "RefusedPut", "BatchWriteItem", "BatchDelete",
                  "TransactWriteItems", "TransactDelete"]
        statements = ["ExecuteStatement", "BatchExecuteStatement", "ExecuteTransaction"]
        reads = ["GetItem"] * 6 + ["Projected", "Named", "Consistent", "TransactGetItems", "Query", "Select"] \
            + ["BatchGetItem"] * 3
        for _ in range(total // 4):
            isWrite = rnd.random() < 0.25
            kind = rnd.choice(writes + statements if isWrite else reads)
            items = [rnd.choice(own)] if kind in statements or rnd.random() < 0.6 else [rnd.choice(shared)]
            if kind in ("BatchWriteItem", "BatchDelete", "TransactWriteItems", "TransactDelete",
                        "TransactGetItems", "BatchGetItem"):
                items = rnd.sample(own, 2) + rnd.sample(shared, 2)
            if kind in ("GetItem", "Projected") and rnd.random() < 0.1:
                items = [(str(name), 99)]
            with lock:
                kinds[kind] += 1
                v = next(steps)
                before = [(begun[i], ended[i]) for i in items]
                if isWrite:
                    for i in items: begun[i] += 1
            if isWrite:
                try:
                    left = write(kind, items, v)
                    for i in items:
                        if i in own: wrote[i] = left
                except Exception as error:
                    found["failed"].append([kind, str(error)])
                with lock:
                    for i in items: ended[i] += 1
                continue
            got = read(kind, items)
            truth = [value(direct.get_item(TableName="hammered", Key=key(i), ConsistentRead=True).get("Item"))
                     for i in items]
            with lock:
                quiet = [b == e and begun[i] == b for i, (b, e) in zip(items, before)]
            for i, g, t, q in zip(items, got, truth, quiet):
                if (i in own or i[1] == 99) and g != wrote.get(i):
                    found["stale"].append([kind, *i, g, wrote.get(i)])
                if q:
                    found["compared"] += 1
                    if g != t: found["differs"].append([kind, *i, g, t])

    threads = [threading.Thread(target=one, args=(n,)) for n in range(4)]
    for thread in threads: thread.start()
    for thread in threads: thread.join()
    return {**{n: [" ".join(map(str, f)) for f in v] if isinstance(v, list) else v for n, v in found.items()},
            "kinds": dict(kinds)}


# How two other SDKs ask, header for header: what they sign, and how they write JSON.
SDKS = {
    "go": ({"Accept-Encoding": "identity", "Amz-Sdk-Invocation-Id": "5c0b8f52-7a33-4b1a-9a52-0b9f0f3b8f01",
            "Amz-Sdk-Request": "attempt=1; max=3", "Content-Type": "application/x-amz-json-1.0",
            "User-Agent": "aws-sdk-go-v2/1.36.3 os/linux lang/go#1.24.1 md/GOOS#linux api/dynamodb#1.41.1"},
           {"User-Agent"}, False, (",", ":")),
    "js": ({"amz-sdk-invocation-id": "0d7d5b3e-43a1-46f5-9a0b-4a6a4ef3a2b7", "amz-sdk-request": "attempt=1; max=3",
            "content-type": "application/x-amz-json-1.0", "x-amz-user-agent": "aws-sdk-js/3.775.0",
            "user-agent": "aws-sdk-js/3.775.0 ua/2.1 os/linux#6.1 lang/js md/nodejs#22.14.0 api/dynamodb#3.775.0"},
           {"user-agent"}, True, (",", ":")),
}


def replays():
    """Requests of other SDKs, signed as they sign, sent by curl."""
    keys = boto3.Session().get_credentials().get_frozen_credentials()
    host = gateway.removeprefix("http://")
    found = {}
    for name, (headers, unsigned, tellsDigest, signs) in SDKS.items():
        found[name] = []
        for number in ("100000000011", "100000000011", "nobody"):
            body = json.dumps({"Key": {"account_number": {"S": number}}, "TableName": "accounts"}, separators=signs)
            now = datetime.datetime.now(datetime.timezone.utc).strftime("%Y%m%dT%H%M%SZ")
            digest = hashlib.sha256(body.encode()).hexdigest()
            sent = {**headers, "Host": host, "X-Amz-Date": now, "X-Amz-Target": "DynamoDB_20120810.GetItem",
                    "Content-Length": str(len(body))}
            if tellsDigest: sent["x-amz-content-sha256"] = digest
            if keys.token: sent["X-Amz-Security-Token"] = keys.token
            signed = {n.lower(): v for n, v in sorted(sent.items(), key=lambda h: h[0].lower()) if n not in unsigned}
            canonical = "\n".join(["POST", "/", "", *(f"{n}:{v}" for n, v in signed.items()), "",
                                   ";".join(signed), digest])
            scope = f"{now[:8]}/us-east-1/dynamodb/aws4_request"
            text = f"AWS4-HMAC-SHA256\n{now}\n{scope}\n{hashlib.sha256(canonical.encode()).hexdigest()}"
            key = ("AWS4" + keys.secret_key).encode()
            for part in scope.split("/"): key = hmac.digest(key, part.encode(), "sha256")
            sent["Authorization"] = (f"AWS4-HMAC-SHA256 Credential={keys.access_key}/{scope}, SignedHeaders="
                                     f"{';'.join(signed)}, Signature={hmac.digest(key, text.encode(), 'sha256').hex()}")
            asked = ["curl", "-s", "-i", "--noproxy", "*", gateway + "/", "--data-binary", body, "-H", "Accept:"]
            for header in sent.items(): asked += ["-H", ": ".join(header)]
            head, _, answer = subprocess.run(asked, capture_output=True, text=True).stdout.partition("\n\n")
            told = {n.lower(): v for n, _, v in (line.partition(": ") for line in head.splitlines()[1:])}
            found[name].append([head.split()[1], told.get("x-cache"), str(zlib.crc32(answer.encode())) == told["x-amz-crc32"],
                                json.loads(answer).get("Item", {}).get("name", {}).get("S")])
    return found


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
