"""A moto server with authorization switched on, and accounts to read in it.

Prints one line of JSON (endpoint, keys, roles) once it is ready, and ends when its standard input
does. GET /counts answers how many requests of each operation came in.

Account 123456789012 has a user who may assume the role `reader` of account 222222222222 and read
the table `accounts` of its own account. The role may read the table `accounts` of its account and
nothing else. There is a role `closed` that the user may not assume, and a user `writer` who may do
anything to tables.
"""
import io
import json
import sys
import threading
import urllib.parse
import urllib.request
from collections import Counter

import boto3
from moto.server import DomainDispatcherApplication, create_backend_app
from werkzeug.serving import make_server

USER, OTHER, REGION = "123456789012", "222222222222", "us-east-1"
counts = Counter()
gate = threading.Event()
gate.set()


class Counting:
    """Counts operations by their target header or their action, and answers for the counts."""

    def __init__(self, app):
        self.app = app

    def __call__(self, environ, start):
        if environ["PATH_INFO"] == "/counts":
            start("200 OK", [("Content-Type", "application/json")])
            return [json.dumps(counts).encode()]
        target = environ.get("HTTP_X_AMZ_TARGET")
        if target:
            counts[target.split(".")[-1]] += 1
        elif environ.get("CONTENT_TYPE", "").startswith("application/x-www-form-urlencoded"):
            body = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
            environ["wsgi.input"] = io.BytesIO(body)
            for action in urllib.parse.parse_qs(body.decode()).get("Action", []):
                counts[action] += 1
        return self.app(environ, start)


server = make_server("127.0.0.1", 0, Counting(DomainDispatcherApplication(create_backend_app)), threaded=True)
endpoint = f"http://127.0.0.1:{server.server_port}"
threading.Thread(target=server.serve_forever, daemon=True).start()


def client(service, keys=("setup", "setup", None)):
    return boto3.client(service, region_name=REGION, endpoint_url=endpoint, aws_access_key_id=keys[0],
                        aws_secret_access_key=keys[1], aws_session_token=keys[2])


def policy(*statements):
    return json.dumps({"Version": "2012-10-17", "Statement": [
        {"Effect": "Allow", "Action": action, "Resource": resource} for action, resource in statements]})


TRUST = json.dumps({"Version": "2012-10-17", "Statement": [
    {"Effect": "Allow", "Principal": {"AWS": "*"}, "Action": "sts:AssumeRole"}]})


def session(role):
    """Keys of a role; while authorization is off any role of any account can be assumed."""
    found = client("sts").assume_role(RoleArn=role, RoleSessionName="setup")["Credentials"]
    return found["AccessKeyId"], found["SecretAccessKey"], found["SessionToken"]


def table(keys, items, **other):
    db = client("dynamodb", keys)
    attribute = other.get("attribute", ("account_number", "S"))
    db.create_table(TableName=other.get("name", "accounts"), BillingMode="PAY_PER_REQUEST",
                    AttributeDefinitions=[{"AttributeName": attribute[0], "AttributeType": attribute[1]}],
                    KeySchema=[{"AttributeName": attribute[0], "KeyType": "HASH"}])
    for item in items:
        db.put_item(TableName=other.get("name", "accounts"), Item=item)


def account(number, role=None):
    item = {"account_number": {"S": number}, "name": {"S": f"Account {number[-3:]}"}, "credit": {"N": "12.50"}}
    if role:
        item["role_arn"] = {"S": role}
    return item


EVERYTHING = {
    "account_number": {"S": "200000000000"}, "text": {"S": "Gr\u00fc\u00dfe \u2603 \"quoted\""}, "number": {"N": "-1.5"},
    "large": {"N": "12345678901234567890123456789012345678"}, "binary": {"B": b"\x00\xffbytes"},
    "strings": {"SS": ["a", "b"]}, "numbers": {"NS": ["1", "2.5"]}, "binaries": {"BS": [b"x", b"y"]},
    "map": {"M": {"inner": {"L": [{"S": "deep"}, {"NULL": True}]}}}, "list": {"L": [{"N": "1"}, {"BOOL": False}]},
    "nothing": {"NULL": True}, "yes": {"BOOL": True}, "empty": {"S": ""},
}

reader = f"arn:aws:iam::{OTHER}:role/reader"
closed = f"arn:aws:iam::{OTHER}:role/closed"

iam = client("iam")
iam.create_user(UserName="operator")
key = iam.create_access_key(UserName="operator")["AccessKey"]
iam.put_user_policy(UserName="operator", PolicyName="own", PolicyDocument=policy(
    ("sts:AssumeRole", reader), ("dynamodb:GetItem", "*"), ("dynamodb:Scan", "*"),
    ("dynamodb:BatchGetItem", "*"), ("dynamodb:CreateTable", "*"), ("dynamodb:PutItem", "*")))
iam.create_user(UserName="writer")
writer = iam.create_access_key(UserName="writer")["AccessKey"]
iam.put_user_policy(UserName="writer", PolicyName="own", PolicyDocument=policy(("dynamodb:*", "*")))
table(("setup", "setup", None), [account(str(100000000000 + n), reader if n < 3 else None) for n in range(40)])
table(("setup", "setup", None), [{"id": {"N": "7"}, "name": {"S": "seven"}}], name="numbered", attribute=("id", "N"))

inside = session(f"arn:aws:iam::{OTHER}:role/setup")
iam = client("iam", inside)
for name, statements in [("reader", [("dynamodb:GetItem", "*")]), ("closed", [])]:
    iam.create_role(RoleName=name, AssumeRolePolicyDocument=TRUST)
    if statements:
        iam.put_role_policy(RoleName=name, PolicyName="own", PolicyDocument=policy(*statements))
table(inside, [EVERYTHING] + [account(str(200000000001 + n)) for n in range(20)])

urllib.request.urlopen(urllib.request.Request(
    endpoint + "/moto-api/reset-auth", data=b"0", headers={"Content-Type": "text/plain"}, method="POST"))
counts.clear()
print(json.dumps({"endpoint": endpoint, "region": REGION, "accessKeyID": key["AccessKeyId"],
                  "secretAccessKey": key["SecretAccessKey"], "writerKeyID": writer["AccessKeyId"],
                  "writerSecret": writer["SecretAccessKey"], "reader": reader, "closed": closed}), flush=True)
sys.stdin.read()
