"""Where botocore sends requests, and through what: JSON in, JSON out.

In: {"regions": [more regions], "proxies": [{"environment", "url"}], "paths": [{"environment", "path"}],
"times": [text]}. Out: "endpoints", for every region that it knows and those, three services and all
variants, with the URL and the region signed for, or null where it refuses; "proxies", the proxy's URL
and header, or null; "paths" as expanded; "times", seconds since 1970, or null where there is no moment.
"""
import datetime
import itertools
import json
import os
import sys
import warnings

import botocore.config
import botocore.endpoint_provider
import botocore.exceptions
import botocore.httpsession
import botocore.loaders
import botocore.session
import botocore.utils
import dateutil.parser

asked = json.load(sys.stdin)
warnings.simplefilter("ignore")


# An operation of each service that needs no input.
FIRST = {"sts": "get_caller_identity", "dynamodb": "list_tables", "dynamodbstreams": "list_streams"}


class Stopped(Exception):
    pass


def endpoint(session, service, region, fips, dual):
    seen = {}

    def stop(request, **_):
        seen["url"] = request.url
        authorization = request.headers["Authorization"]
        text = authorization.decode() if isinstance(authorization, bytes) else authorization
        seen["signed"] = text.split("/")[2]
        raise Stopped

    config = botocore.config.Config(use_fips_endpoint=fips, use_dualstack_endpoint=dual)
    try:
        client = session.create_client(service, region_name=region, config=config,
                                       aws_access_key_id="a", aws_secret_access_key="b")
        client.meta.events.register("before-send.*.*", stop)
        getattr(client, FIRST[service])()
    except Stopped:
        return seen
    except botocore.exceptions.EndpointVariantError:
        # An older table, which it asks first, knows less than its rules.
        return by_rules(session, service, region, fips, dual)
    except Exception:
        return None


def by_rules(session, service, region, fips, dual):
    loader = session.get_component("data_loader")
    rules = botocore.endpoint_provider.EndpointProvider(
        loader.load_service_model(service, "endpoint-rule-set-1"),
        loader.load_data("partitions"))
    found = rules.resolve_endpoint(Region=region, UseFIPS=fips, UseDualStack=dual)
    return {"url": found.url + "/", "signed": region}


def endpoints():
    os.environ.clear()
    os.environ.update({"AWS_CONFIG_FILE": "/dev/null", "AWS_EC2_METADATA_DISABLED": "true"})
    known = botocore.loaders.create_loader().load_data("partitions")
    regions = [region for partition in known["partitions"] for region in partition["regions"]]
    found = []
    for legacy in (False, True):
        session = botocore.session.Session()
        session.set_config_variable("sts_regional_endpoints", "legacy" if legacy else "regional")
        for service, region, fips, dual in itertools.product(
                ["sts"] if legacy else list(FIRST), regions + asked["regions"],
                (False, True), (False, True)):
            seen = endpoint(session, service, region, fips, dual)
            found.append({"service": service, "region": region, "isFIPS": fips,
                          "isDualStack": dual, "isGlobalSTS": legacy,
                          "url": seen and seen["url"], "signed": seen and seen["signed"]})
    return found


def proxy(case):
    os.environ.clear()
    os.environ.update(case["environment"])
    proxies = botocore.httpsession.ProxyConfiguration(
        botocore.utils.get_environ_proxies(case["url"]))
    url = proxies.proxy_url_for(case["url"])
    return url and {"url": url, "header": proxies.proxy_headers_for(url).get("Proxy-Authorization")}


def path(case):
    os.environ.clear()
    os.environ.update(case["environment"])
    return os.path.expanduser(os.path.expandvars(case["path"]))


def moment(text):
    """What is not all said comes from today's date: then several days give several moments. (Two
    days may lie before one and the same Saturday.)"""
    try:
        moments = {
            (dateutil.parser.parse(text, default=datetime.datetime(*default))
             - datetime.datetime(1970, 1, 1, tzinfo=datetime.timezone.utc)).total_seconds()
            for default in ((2003, 1, 1, 0), (2004, 2, 2, 7), (2005, 3, 28, 13))}
        return moments.pop() if len(moments) == 1 else None
    except Exception:
        return None


json.dump({"times": [moment(text) for text in asked["times"]], "endpoints": endpoints(),
           "proxies": [proxy(case) for case in asked["proxies"]],
           "paths": [path(case) for case in asked["paths"]]}, sys.stdout)
