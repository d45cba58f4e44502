"""Makes hashes.json's entries of Django, passlib, argon2-cffi and bcrypt.

    pip install Django==5.2.19 passlib==1.7.4 argon2-cffi==25.1.0 bcrypt==5.0.0
    python hashes.py

Prints a JSON list. Salts are random: each run gives other texts. README.md
says where the entries of other systems come from.
"""

import json
from importlib.metadata import version

import argon2
import bcrypt
import django
from django.conf import settings

settings.configure()
django.setup()

from django.contrib.auth import hashers as dj  # noqa: E402
from passlib import hash as pl  # noqa: E402

PLAIN = "tr0ub4dor&3"
ACCENTS = "Zürich–café 🜁"
LONG = "correct horse battery staple, " * 4
DECOMPOSED = "cafe\u0301-noir"

out = []


def add(producer, name, password, text, default=False):
    out.append({"producer": producer, "name": name, "password": password, "hash": text, "default_costs": default})


def tuned(cls, **costs):
    return type(cls.__name__, (cls,), costs)()


def django_hash(name, hasher, password, default=False):
    add(f"Django {django.__version__}", name, password, hasher.encode(password, hasher.salt()), default)


class Argon2i(dj.Argon2PasswordHasher):
    """What Django wrote before 3.2: the same class with type I."""

    def params(self):
        p = super().params()
        p.type = argon2.low_level.Type.I
        return p


sha256, sha1 = dj.PBKDF2PasswordHasher, dj.PBKDF2SHA1PasswordHasher
django_hash("pbkdf2_sha256, default costs", sha256(), PLAIN, True)
django_hash("pbkdf2_sha256", tuned(sha256, iterations=1000), ACCENTS)
django_hash("pbkdf2_sha256, decomposed", tuned(sha256, iterations=1000), DECOMPOSED)
django_hash("pbkdf2_sha1", tuned(sha1, iterations=1000), ACCENTS)
django_hash("argon2id, default costs", dj.Argon2PasswordHasher(), PLAIN, True)
django_hash("argon2id", tuned(dj.Argon2PasswordHasher, memory_cost=1024, parallelism=2), ACCENTS)
django_hash("argon2i", tuned(Argon2i, memory_cost=512, parallelism=2), PLAIN)
django_hash("bcrypt_sha256, default costs", dj.BCryptSHA256PasswordHasher(), PLAIN, True)
django_hash("bcrypt_sha256, 120 bytes", tuned(dj.BCryptSHA256PasswordHasher, rounds=4), LONG)
django_hash("bcrypt", tuned(dj.BCryptPasswordHasher, rounds=4), ACCENTS)
django_hash("scrypt, default costs", dj.ScryptPasswordHasher(), PLAIN, True)
django_hash("scrypt", tuned(dj.ScryptPasswordHasher, work_factor=16), ACCENTS)

PASSLIB = "passlib 1.7.4"
add(PASSLIB, "scrypt, default costs", PLAIN, pl.scrypt.hash(PLAIN), True)
add(PASSLIB, "scrypt", ACCENTS, pl.scrypt.using(rounds=4, block_size=4, parallelism=2).hash(ACCENTS))
add(PASSLIB, "pbkdf2_sha1", ACCENTS, pl.pbkdf2_sha1.using(rounds=1000).hash(ACCENTS))
add(PASSLIB, "pbkdf2_sha256", ACCENTS, pl.pbkdf2_sha256.using(rounds=1000).hash(ACCENTS))
add(PASSLIB, "pbkdf2_sha512", ACCENTS, pl.pbkdf2_sha512.using(rounds=1000).hash(ACCENTS))
add(PASSLIB, "ldap_salted_sha1", ACCENTS, pl.ldap_salted_sha1.hash(ACCENTS))
add(PASSLIB, "ldap_salted_sha256", ACCENTS, pl.ldap_salted_sha256.hash(ACCENTS))
add(PASSLIB, "ldap_salted_sha512", ACCENTS, pl.ldap_salted_sha512.hash(ACCENTS))

CFFI = f"argon2-cffi {version('argon2-cffi')}"
add(CFFI, "argon2id, default costs", PLAIN, argon2.PasswordHasher().hash(PLAIN), True)
add(CFFI, "argon2id", ACCENTS, argon2.PasswordHasher(1, 256, 2).hash(ACCENTS))
add(CFFI, "argon2i", ACCENTS, argon2.PasswordHasher(3, 256, 1, type=argon2.Type.I).hash(ACCENTS))

add(f"bcrypt {bcrypt.__version__}", "bcrypt", ACCENTS, bcrypt.hashpw(ACCENTS.encode(), bcrypt.gensalt(4)).decode())

print(json.dumps(out, indent=1, ensure_ascii=False))
