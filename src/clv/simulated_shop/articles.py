"""What the shop sells, and the words it writes: made up, none of it from a real log."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from clv.simulated_shop.truth import Floats, Ints

ARTICLES = 5_000
ZIPF, ZIPF_TAIL = 0.34, 0.27  # exponent; where the tail falls off, as a share of the articles
PRICE_MEAN, PRICE_SPREAD = 12.0, 5.0  # indices of PRICES


def _listed(text: str) -> list[str]:
    return text.split(",")


PRICES = np.array(
    _listed(
        "0.19,0.29,0.39,0.42,0.55,0.65,0.75,0.85,1.05,1.25,1.45,1.65,1.95,2.15,2.55,2.95,3.35,3.75,"
        "4.25,4.95,5.95,6.75,7.95,8.5,9.95,12.75,14.95,16.95,24.95,34.95"
    ),
    dtype=np.float64,
)
PACKS = np.array(
    _listed(
        "1,2,3,4,5,6,8,10,12,16,20,24,36,48,72,96,144,192,288,432,576,864,1152,1440,2160,2880,"
        "4320,5760,9600"
    ),
    dtype=np.int64,
)

COLORS = _listed("RED,BLUE,PINK,GREEN,IVORY,BLACK,WHITE,SILVER,GOLD,LILAC,MINT,TURQUOISE")
MOTIFS = _listed(
    "DAISY,ROSE,SWALLOW,OWL,HEDGEHOG,SAILBOAT,STARFISH,CHERRY,LEMON,FERN,PAISLEY,GINGHAM,STRIPED,"
    "POLKADOT,TARTAN,VINTAGE,RUSTIC,BAROQUE,MOROCCAN,NORDIC,CIRCUS,SEASIDE,COTTAGE"
)
THINGS = _listed(
    "LUNCH BOX,CAKE TIN,TEA TOWEL,EGG CUP,MUG,MILK JUG,BUTTER DISH,SPOON REST,APRON,OVEN GLOVE,"
    "CANDLE HOLDER,LANTERN,PHOTO FRAME,WALL CLOCK,DOORSTOP,CUSHION COVER,RIBBON REEL,PLANT POT,"
    'FRAME 6" SQUARE,"DREAM" WOODEN SIGN'
)
THINGS.append("BOX, SET OF 3")  # a comma inside, as names have
REMARKS = _listed("check,damaged,?,found,missing,wet,sold as set,thrown away,adjustment,lost")

# The home country, then those abroad, ever rarer.
COUNTRIES = _listed(
    "United Kingdom,Germany,France,Spain,Belgium,Portugal,Netherlands,Switzerland,Sweden,Italy,"
    "Australia,Finland,Channel Islands,Austria,Norway,Denmark,Cyprus,Japan,USA,Unspecified,Poland,"
    "EIRE,Canada,Greece,Israel,United Arab Emirates,Malta,Bahrain,RSA,Korea,Brazil,Singapore,"
    "Iceland,Lithuania,Czech Republic,Lebanon,Nigeria,Thailand,Saudi Arabia,West Indies"
)


class Extra(NamedTuple):
    """A line that is no article: on what share of which orders, at what price.

    ``host`` is ``abroad``, ``identified`` or ``anonymous``. With a ``prefix`` the line is an
    invoice of its own; ``C`` gives one piece back.
    """

    code: str
    description: str
    host: str
    share: float
    median_price: float
    spread: float
    prefix: str = ""


EXTRAS = (
    Extra("POST", "POSTAGE", "abroad", 0.68, 18.0, 0.3),
    Extra("C2", "CARRIAGE", "abroad", 0.07, 50.0, 0.0),
    Extra("M", "Manual", "identified", 0.022, 13.0, 1.5),
    Extra("GIFT", "Free gift", "identified", 0.002, 0.0, 0.0),
    Extra("TEST001", "This is a test product.", "identified", 0.0004, 4.5, 0.0),
    Extra("D", "Discount", "identified", 0.0046, 18.0, 1.2, "C"),
    Extra("DOT", "DOTCOM POSTAGE", "anonymous", 0.45, 150.0, 0.9),
    Extra("BANK CHARGES", "Bank Charges", "anonymous", 0.018, 45.0, 0.5, "C"),
    Extra("AMAZONFEE", "AMAZON FEE", "anonymous", 0.011, 6_000.0, 0.3, "C"),
    Extra("S", "SAMPLES", "anonymous", 0.03, 30.0, 0.8, "C"),
    Extra("B", "Adjust bad debt", "anonymous", 0.002, -20_000.0, 0.5, "A"),
)


class Articles(NamedTuple):
    """Codes and descriptions of the articles, the most popular first, then of the extras.

    ``price`` indexes PRICES, ``popularity`` is the running share of all lines; both know the
    articles only.
    """

    code: list[str]
    description: list[str]
    price: Ints
    popularity: Floats


def draw_articles(rng: np.random.Generator) -> Articles:
    names = [f"{color} {motif} {thing}" for color in COLORS for motif in MOTIFS for thing in THINGS]
    codes = 10_000 + rng.choice(90_000, ARTICLES, replace=False)
    rank = np.arange(1, ARTICLES + 1)
    weight = rank**-ZIPF * np.exp(-rank / (ZIPF_TAIL * ARTICLES))
    price = np.rint(rng.normal(PRICE_MEAN, PRICE_SPREAD, ARTICLES)).astype(np.int64)
    return Articles(
        [*codes.astype(str).tolist(), *(extra.code for extra in EXTRAS)],
        [
            *rng.choice(names, ARTICLES, replace=False).tolist(),
            *(extra.description for extra in EXTRAS),
        ],
        np.clip(price, 0, len(PRICES) - 1),
        np.cumsum(weight) / weight.sum(),
    )
