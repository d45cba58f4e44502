"""Asks the original for tokens and for its judgement of them.

Reads lines {"ask": {...}} and writes them with "answer" added; what stood under
"answer" before is not looked at, so that recorded.jsonl is made anew by

  python original.py < recorded.jsonl

in an environment of requirements.txt. Members of an ask:

  key, field          SECRET_KEY and USERNAME_FIELD
  now                 unix seconds
  do                  mail, sha1, compressed: make a mailed token; login: make a
                      JWT; read, verify: judge a token
  subject, action, secondary, life, token, max_age

An answer has "token", or "outcome" (ok, expired, invalid) with "payload".
"""

import datetime as dt
import json
import sys
import warnings
from unittest import mock

warnings.simplefilter("ignore")

import django
from django.conf import settings

settings.configure(
    SECRET_KEY="x",
    INSTALLED_APPS=["django.contrib.contenttypes", "django.contrib.auth"],
    GRAPHQL_JWT={"JWT_VERIFY_EXPIRATION": True},
)
django.setup()

from django.core import signing
from graphql_auth.exceptions import TokenScopeError
from graphql_auth.utils import get_token, get_token_paylod
from graphql_jwt.exceptions import JSONWebTokenError, JSONWebTokenExpired
from graphql_jwt.settings import jwt_settings
from graphql_jwt.utils import get_payload, jwt_encode, jwt_payload


class User:
    def __init__(self, field, name):
        self.USERNAME_FIELD, self.name = field, name

    def get_username(self):
        return self.name


def clock(now):
    class Frozen(dt.datetime):
        @classmethod
        def utcnow(cls):
            return cls(1970, 1, 1) + dt.timedelta(seconds=now)

    return Frozen


def mail(ask, compress=False):
    user = User(ask["field"], ask["subject"])
    more = {"secondary_email": ask["secondary"]} if ask.get("secondary") else {}
    if compress:
        return signing.dumps({ask["field"]: ask["subject"], "action": ask["action"], **more}, compress=True)
    return get_token(user, ask["action"], **more)


def judge(read):
    try:
        return {"outcome": "ok", "payload": read()}
    except (signing.SignatureExpired, JSONWebTokenExpired):
        return {"outcome": "expired"}
    except (signing.BadSignature, TokenScopeError, JSONWebTokenError):
        return {"outcome": "invalid"}
    except Exception as other:  # what the original lets through to its client
        return {"outcome": "invalid", "raised": type(other).__name__}


def answer(ask):
    settings.SECRET_KEY = ask["key"]
    settings.DEFAULT_HASHING_ALGORITHM = "sha1" if ask["do"] == "sha1" else "sha256"
    jwt_settings.JWT_SECRET_KEY = ask["key"]
    now = ask["now"]
    frozen = clock(now)
    with mock.patch("time.time", lambda: now), \
            mock.patch("graphql_jwt.utils.datetime", frozen), \
            mock.patch("jwt.api_jwt.datetime", frozen):
        do = ask["do"]
        if do in ("mail", "sha1"):
            return {"token": mail(ask)}
        if do == "compressed":
            return {"token": mail(ask, compress=True)}
        if do == "login":
            jwt_settings.JWT_EXPIRATION_DELTA = dt.timedelta(seconds=ask["life"])
            return {"token": jwt_encode(jwt_payload(User(ask["field"], ask["subject"])))}
        if do == "read":
            return judge(lambda: get_token_paylod(ask["token"], ask["action"], ask["max_age"]))
        if do == "verify":
            return judge(lambda: get_payload(ask["token"]))
    raise ValueError(do)


for line in sys.stdin:
    ask = json.loads(line)["ask"]
    print(json.dumps({"ask": ask, "answer": answer(ask)}, sort_keys=True))
