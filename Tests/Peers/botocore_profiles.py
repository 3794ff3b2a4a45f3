"""What botocore makes of environments and profile files: JSON in, JSON out.

In: a list of {"environment", "profile"}. Out: for each the keys, the region and the endpoint of
DynamoDB, or the class of the error.
"""
import json
import os
import sys

import botocore.session


def answer(case):
    os.environ.clear()
    os.environ.update(case["environment"])
    try:
        session = botocore.session.Session(profile=case.get("profile"))
        region = session.get_config_variable("region")
        credentials = session.get_credentials()
        if credentials is None:
            return {"error": "NoCredentials"}
        keys = credentials.get_frozen_credentials()
        client = session.create_client("dynamodb", region_name=region or "us-east-1")
        return {"id": keys.access_key, "secret": keys.secret_key, "token": keys.token,
                "region": region, "endpoint": client.meta.endpoint_url}
    except Exception as error:
        return {"error": type(error).__name__}


json.dump([answer(case) for case in json.load(sys.stdin)], sys.stdout)
