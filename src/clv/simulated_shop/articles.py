"""What the shop sells, and the words it writes: made up, none of it from a real log."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from clv.simulated_shop.truth import Floats, Ints

ARTICLES = 5_000
LETTERED, PADDED, LOWER_CASE = 0.3, 0.2, 0.06  # shares of the pairs
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
    "POLKADOT,TARTAN,VINTAGE,RUSTIC,BAROQUE,MOROCCAN,NORDIC,CIRCUS,SEASIDE,COTTAGE,ORCHARD,"
    "BUTTERFLY,ROBIN,REINDEER,SNOWFLAKE,HOLLY,TOADSTOOL"
)
THINGS = _listed(
    "LUNCH BOX,CAKE TIN,TEA TOWEL,EGG CUP,MUG,MILK JUG,BUTTER DISH,SPOON REST,APRON,OVEN GLOVE,"
    "CANDLE HOLDER,LANTERN,PHOTO FRAME,WALL CLOCK,DOORSTOP,CUSHION COVER,TRINKET BOX,RING STAND,"
    "HAND MIRROR,NOTEBOOK,GIFT WRAP,RIBBON REEL,PARTY BUNTING,PAPER NAPKINS,WATERING CAN,PLANT POT,"
    "BIRD FEEDER,GARDEN SIGN,WIND CHIME,SHOPPING BAG,WASH BAG,PURSE,KEY RING,UMBRELLA,SEWING KIT,"
    "PLAYING CARDS,SKIPPING ROPE,MONEY BANK,FRIDGE MAGNET,HANGING HEART,STRING OF 20 LIGHTS,"
    'FRAME 6" SQUARE,"DREAM" WOODEN SIGN'
)
THINGS.append("BOX, SET OF 3")  # a comma inside, as names have
REMARKS = _listed("check,damaged,?,found,missing,wet,sold as set,thrown away,adjustment,lost")

HOME = "United Kingdom"
ABROAD = {
    **{"Germany": 107, "France": 95, "Spain": 41, "Belgium": 29, "Portugal": 24, "Switzerland": 22},
    **{"Netherlands": 23, "Sweden": 19, "Italy": 17, "Australia": 15, "Finland": 15, "Japan": 10},
    **{"Channel Islands": 14, "Austria": 13, "Norway": 13, "Denmark": 12, "Cyprus": 11, "USA": 9},
    **{"Unspecified": 7, "Poland": 6, "EIRE": 5, "Canada": 5, "Greece": 5, "Israel": 4},
    **{"United Arab Emirates": 4, "Malta": 3, "Bahrain": 3, "RSA": 3, "Korea": 3, "Brazil": 3},
    **dict.fromkeys(["Singapore", "Iceland", "Lithuania", "Czech Republic", "Lebanon"], 3),
    **dict.fromkeys(["Nigeria", "Thailand", "Saudi Arabia", "West Indies"], 3),
}
COUNTRIES = [HOME, *ABROAD]


class Extra(NamedTuple):
    """A line that is no article: on what share of which orders, at what price.

    ``host`` is ``abroad``, ``identified`` or ``anonymous``. With a ``prefix`` the line is an
    invoice of its own: one piece given back (``C``) or one piece of negative price (``A``).
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
    Extra("TEST001", "This is a test product.", "identified", 0.0004, 4.5, 0.0),
    Extra("D", "Discount", "identified", 0.0046, 18.0, 1.2, "C"),
    Extra("BANK CHARGES", "Bank Charges", "identified", 0.001, 15.0, 0.0),
    Extra("DOT", "DOTCOM POSTAGE", "anonymous", 0.45, 150.0, 0.9),
    Extra("M", "Manual", "anonymous", 0.09, 30.0, 1.5),
    Extra("BANK CHARGES", "Bank Charges", "anonymous", 0.018, 45.0, 0.5, "C"),
    Extra("AMAZONFEE", "AMAZON FEE", "anonymous", 0.011, 6_000.0, 0.3, "C"),
    Extra("S", "SAMPLES", "anonymous", 0.03, 30.0, 0.8, "C"),
    Extra("B", "Adjust bad debt", "anonymous", 0.002, 20_000.0, 0.5, "A"),
)


class Articles(NamedTuple):
    """Codes and descriptions of the articles, the most popular first, then of the extras.

    An even article and the next one are a set: the same thing in two colors, often bought
    together. ``price`` indexes PRICES, ``popularity`` is the running share of all lines; both
    know the articles only.
    """

    code: list[str]
    description: list[str]
    price: Ints
    popularity: Floats


def draw_articles(rng: np.random.Generator) -> Articles:
    pairs = ARTICLES // 2
    names = rng.choice(len(COLORS) * len(MOTIFS) * len(THINGS), pairs, replace=False)
    numbers = 10_000 + rng.permutation(80_000)[:ARTICLES]
    lettered = rng.random(pairs) < LETTERED
    blank = np.where(rng.random(pairs) < PADDED, " ", "")  # at the end, as typing leaves them
    codes, descriptions = [], []
    for pair in range(pairs):
        rest, color = divmod(int(names[pair]), len(COLORS))
        what = f"{MOTIFS[rest % len(MOTIFS)]} {THINGS[rest // len(MOTIFS)]}{blank[pair]}"
        second_color = COLORS[(color + 1) % len(COLORS)]
        descriptions += [f"{COLORS[color]} {what}", f"{second_color} {what}"]
        one, other = numbers[2 * pair], numbers[2 * pair + 1]
        codes += [f"{one}A", f"{one}B"] if lettered[pair] else [f"{one}", f"{other}"]
    for pair in np.flatnonzero(lettered)[-round(LOWER_CASE * pairs) :].tolist():
        codes[2 * pair + 1] = codes[2 * pair].lower()  # the same article, typed another way
        descriptions[2 * pair + 1] = descriptions[2 * pair]

    rank = np.arange(1, ARTICLES + 1)
    weight = rank**-ZIPF * np.exp(-rank / (ZIPF_TAIL * ARTICLES))
    price = np.rint(rng.normal(PRICE_MEAN, PRICE_SPREAD, ARTICLES)).astype(np.int64)
    return Articles(
        codes + [extra.code for extra in EXTRAS],
        descriptions + [extra.description for extra in EXTRAS],
        np.clip(price, 1, len(PRICES) - 1),
        np.cumsum(weight) / weight.sum(),
    )
