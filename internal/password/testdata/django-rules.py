"""Makes django-rules.json: what Django's four password validators say.

    pip install Django==3.1.7
    python django-rules.py > django-rules.json

Every text is its own NFKC form: usher looks at that form as well, which has to
make no difference here. The same run gives the same list.
"""

import json
import random
import unicodedata
from difflib import SequenceMatcher
from fractions import Fraction
from types import SimpleNamespace

import django
from django.conf import settings

settings.configure()
django.setup()

from django.contrib.auth import password_validation as dj  # noqa: E402
from django.core.exceptions import ValidationError  # noqa: E402

VALIDATORS = [
    dj.UserAttributeSimilarityValidator(),
    dj.MinimumLengthValidator(8),
    dj.CommonPasswordValidator(),
    dj.NumericPasswordValidator(),
]
REASONS = {
    "password_too_similar": "too_similar",
    "password_too_short": "too_short",
    "password_too_common": "too_common",
    "password_entirely_numeric": "entirely_numeric",
}
ATTRIBUTES = ("username", "first_name", "last_name", "email")

rng = random.Random(31007)
out, seen = [], set()


def verdict(password, who):
    weak = []
    for v in VALIDATORS:
        try:
            v.validate(password, who)
        except ValidationError as e:
            to = (e.params or {}).get("verbose_name", "")
            weak.append({"reason": REASONS[e.code], "to": str(to)})
    return weak


def add(about, password, **attributes):
    values = [attributes.get(a, "") for a in ATTRIBUTES]
    key = (password, *values)
    if key in seen or any(unicodedata.normalize("NFKC", t) != t for t in key):
        return
    seen.add(key)
    # Django names an attribute as its model does; for "email" the user model of
    # the recorded contract says just that.
    names = {"username": "username", "first_name": "first name", "last_name": "last name", "email": "email"}
    fields = {a: SimpleNamespace(verbose_name=names[a]) for a in ATTRIBUTES}
    who = SimpleNamespace(**dict(zip(ATTRIBUTES, values)), _meta=SimpleNamespace(get_field=fields.get))
    out.append({"about": about, "password": password, **dict(zip(ATTRIBUTES, values)), "weak": verdict(password, who)})


# Every password beside every value.
PASSWORDS = [
    "lisa445566!", "lisalou1", "LISALOU", "uolasil!", "ada.lovelace", "Lovelace_99", "pledge4future", "xxxxxxxxxxxxxxxxxxxxxx",
    "mustermann99", "STRASSE1", "straße12", "istanbul", "İSTANBUL", "i\u0307stanbul", "example.org", "        ", "12345678", "漢字漢字漢字1",
    "user_name", "username", "éclair12", "cafe naive", "ΟΔΥΣΣΕΥΣ", "οδυσσευς", "οδυσσευσ", "ΣΣΣΣΣΣΣΣ", "σσσσσσσς", "Жанна2026", "password123",
    "намасте नमस्ते", "नमस्ते12", "😀😀😀😀😀😀😀😀", "𐐀𐐁𐐂𐐃𐐄𐐅𐐆𐐇", "O'Ñandú12", "a", "Ⴀ",
]
VALUES = [
    "lisalou", "Ada", "ada.lovelace@example.org", "test@pledge4future.org", "O'Ñandú", "漢字漢字", "a", "MAX MUSTERMANN", "Straße",
    "İstanbul", "user_name-1", "user\u00adname", "éclair", "naïve café", "Ὀδυσσεὺς", "ΟΔΥΣΣΕΥΣ", "ΣΣΣΣΣΣΣΣ ΣΣΣΣΣΣΣΣ", "नमस्ते", "Жанна", "😀😀😀😀😀😀😀😀",
    "𐐨𐐩𐐪𐐫-𐐬𐐭𐐮𐐯", "x" * 30, "istanbul'um", "ა",
]
for p in PASSWORDS:
    for v in VALUES:
        near = SequenceMatcher(None, p.lower(), v.lower()).quick_ratio() > 0.4
        if near or rng.random() < 0.15:  # most have nothing in common
            add("table", p, first_name=v)

# The first attribute that is hit is the one that is named.
for p in ("ada.lovelace", "lovelace1815", "countess", "Augusta1"):
    for who in (
        {"username": "countess", "first_name": "Augusta", "last_name": "Lovelace", "email": "ada.lovelace@example.org"},
        {"username": "ada", "first_name": "Ada", "last_name": "King", "email": "countess@lovelace.example"},
        {"username": "lovelace1815", "last_name": "Lovelace", "email": "lovelace1815@example.org"},
        {"email": "augusta@example.org"},
        {},
    ):
        add("order", p, **who)

# Pairs of a chosen ratio around 0.7, with the common letters shuffled.
COMMON = "abcdefghijklmnopqrstuvwxyzäöüßéñżабвгдежзиклмнопαβγδεζηθλμξ漢字文書語學𐐨𐐩𐐪𐐫_0123456789"
LEFT, RIGHT = "ÁÆÐЁЂЄҐΆΈΣ!#$%&*+ 'ʼ😀\u0301", "ØÞŒŁЩЫЮЯΨΩΡ鬱𐐖𐐗"
# The three have no letter in common, in lower case.
assert len(set(LEFT.lower()) | set(RIGHT.lower()) | set(COMMON)) == len(set(LEFT.lower())) + len(set(RIGHT.lower())) + len(set(COMMON))
for both in range(1, 60):
    for total in range(2 * both, 4 * both):
        distance = Fraction(2 * both, total) - Fraction(7, 10)
        if abs(distance) > Fraction(1, 30) or distance and rng.random() > 0.4:
            continue
        about = "boundary" if distance == 0 else "above" if distance > 0 else "below"
        for _ in range(1 if distance else 8):
            mine = rng.randint(0, total - 2 * both)
            shared = [rng.choice(COMMON) for _ in range(both)]
            p, v = shared + rng.choices(LEFT, k=mine), shared + rng.choices(RIGHT, k=total - 2 * both - mine)
            rng.shuffle(p), rng.shuffle(v)
            p = "".join(rng.choice((c, c.upper())) if len(c.upper()) == 1 else c for c in p)
            add(about, p, last_name="".join(v))

# A word of a value, between signs of many kinds.
SIGNS = [".", "@", "-", " ", "'", "’", "!", "\u0301", "\u200d", "\u093f", "😀", "·", "٪", "。", "⁀", "$", "\t", "\n"]
GLUE = ["_", "5", "٣", "x", "ʼ", "字", "፪", "❷", "ɐ", "〇"]
for between in SIGNS + GLUE:
    for word in ("lovelace", "Δημήτρης", "ИВАНОВИЧ"):
        add("words", word + "12", email="qzw" + between + word + between + "kjv.pqx" + "y" * 9)

# Digits of every kind, and what only looks like one.
for digits in ("0123456789", "٠١٢٣٤٥٦٧٨٩", "०१२३४५६७८९", "፩፪፫፬፭፮፯፰፱", "❶❷❸❹❺❻❼❽❾", "➀➁➂➃➄➅➆➇➈", "⓵⓶⓷⓸⓹⓺⓻⓼⓽", "𐩀𐩁𐩂𐩃", "🄋🄌", "᧚᧐", "⓿0", "〇一二三四五", "፲፳፴", "❿⓫", "௰௱௲"):
    add("digits", "".join(rng.choices(digits, k=12)))
    add("digits", "".join(rng.choices(digits, k=12)) + "x")
    add("digits", digits[:1])

# All digits of other kinds than 0 to 9 in some script, and their neighbours.
others = [c for c in map(chr, range(0x110000)) if c.isdigit() and not c.isdecimal() and unicodedata.normalize("NFKC", c) == c]
for i in range(0, len(others), 50):
    add("digits", "".join(others[i : i + 50]))
for c in others:
    for near in (chr(ord(c) - 1), chr(ord(c) + 1)):
        if near.isnumeric() and not near.isdigit():
            add("digits", "12345678" + near)

# Common ones, in any case and between blanks.
for p in ("password123", "PASSWORD123", " \t password123\n", "\u2003iloveyou\u2003", "iloveyou!", "qwertyuiop", "Qwerty123", "12345678", "11111111", "pass word"):
    add("common", p)

print("[\n" + ",\n".join(json.dumps(o, ensure_ascii=False) for o in out) + "\n]")
