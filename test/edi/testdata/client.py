"""Makes every call of calls_test.go with the client itself.

Reads one JSON object from standard input: host, key (path of the public key),
token, idp_uid, and what the calls are about. Writes one line of JSON a call:
its name, and what the client gave back or the status it raised.
"""

import json
import sys

from iam_lib import exceptions
from iam_lib.api.edi_token import EdiTokenClient
from iam_lib.api.group import GroupClient
from iam_lib.api.profile import ProfileClient
from iam_lib.token import Token

given = json.load(sys.stdin)


def client(kind):
    return kind(
        scheme="http",
        host=given["host"],
        accept="json",
        public_key_path=given["key"],
        algorithm="ES256",
        token=given["token"],
    )


profiles, tokens, groups = client(ProfileClient), client(EdiTokenClient), client(GroupClient)


def call(name, fn, *args):
    try:
        said = {"name": name, "status": 200, "body": fn(*args)}
    except exceptions.IAMResponseError as e:
        said = {"name": name, "status": e.response.status_code}
    except exceptions.IAMInvalidParameter:
        said = {"name": name, "status": 0}
    print(json.dumps(said), flush=True)
    return said.get("body")


own, other, group = given["own"], given["other"], given["group"]
call("create_profile", profiles.create_profile, given["idp_uid"])
call("read_profile", profiles.read_profile, own)
call("update_profile", profiles.update_profile, own, "Ann", "Smith", "ann.smith@example.org")
call("create_token", tokens.create_token, own, "not the key")
fresh = call("refresh_token", tokens.refresh_token, given["token"])
call("lock_token", tokens.lock_token, own)
call("revoke_token", tokens.revoke_token, own)
call("create_group", groups.create_group, "Birds", "of Sweden")
call("update_group", groups.update_group, group, "Birds", "of Sweden")
call("read_group", groups.read_group, group)
call("add_group_member", groups.add_group_member, group, other)
call("remove_group_member", groups.remove_group_member, group, other)
call("delete_group", groups.delete_group, group)
if fresh:
    token = Token(fresh["edi-token"])
    token.validate(given["key"], "ES256")
    print(json.dumps({"name": "validate", "status": 200, "body": {"subject": token.subject}}), flush=True)
call("delete_profile", profiles.delete_profile, own)
