"""Further sentences and the values that they state, written when the rules stood, then measured.

31 of the 40 were read rightly at first sight (20 of the 27 with a value; 11 of the 13 without one
gave none): that is what new text may expect. Some were mended since; ``hard`` ones are not.
"""

from __future__ import annotations

from reading_cases import Sentence

_SHOOTING = "How many people were killed in the shooting in Plovdiv?"
_TYPHOON = "How many people has Typhoon Karina killed?"
_CHOLERA = "How many people have died of cholera in Sudan?"
_AIRPORT = "How many people were injured at the airport?"

UNSEEN = (
    Sentence(
        _SHOOTING,
        "A gunman opened fire in a Plovdiv mall on Saturday, killing eight people and wounding 14.",
        ("eight",),
    ),
    Sentence(
        _SHOOTING,
        "The death toll from the Plovdiv shooting climbed to nine on Sunday when a woman died in a "
        "hospital.",
        ("nine",),
        as_of="2024-05-05",
    ),
    Sentence(
        _SHOOTING, "In 2012, seven people died in a bombing in Burgas.", title="Plovdiv shooting"
    ),
    Sentence(_SHOOTING, "Police fired 30 rounds in four minutes.", title="Plovdiv shooting"),
    Sentence(
        _SHOOTING,
        "Eight people, among them two children, were killed in Plovdiv, the interior minister "
        "said.",
        ("Eight",),
        attribution="the interior minister",
    ),
    Sentence(
        _TYPHOON,
        "Typhoon Karina has killed at least 34 people in the Philippines and Taiwan, officials "
        "said.",
        ("at least 34",),
        hard=True,
    ),
    Sentence(
        _TYPHOON,
        "The number of people killed by Typhoon Karina rose to 51, the disaster agency reported.",
        ("51",),
        attribution="the disaster agency",
    ),
    Sentence(_TYPHOON, "Typhoon Haiyan left more than 6,300 dead in 2013.", title="Typhoon Karina"),
    Sentence(
        _TYPHOON,
        "Nearly 1.1 million people were displaced by Typhoon Karina and 14 are missing.",
        title="Typhoon Karina",
    ),
    Sentence(_TYPHOON, "Winds of 183 kilometers an hour tore roofs off.", title="Typhoon Karina"),
    Sentence(
        _CHOLERA,
        "Cholera has killed 172 people in Sudan over the past week, the health ministry said "
        "Tuesday.",
        ("172",),
        as_of="2024-05-07",
        attribution="the health ministry",
    ),
    Sentence(
        _CHOLERA,
        "More than 2,700 people have been infected in Sudan.",
        title="Cholera spreads in Sudan",
    ),
    Sentence(
        _CHOLERA, "In South Sudan, 12 people died of cholera.", title="Cholera spreads in Sudan"
    ),
    Sentence(
        _AIRPORT,
        "Seventeen passengers were hurt, three of them seriously, the airport said.",
        ("Seventeen",),
        attribution="the airport",
    ),
    Sentence(_AIRPORT, "Some 200 flights were canceled.", title="Chaos at the airport"),
    Sentence(
        "How many people lost power?",
        "About 640,000 homes and businesses were without power on Thursday morning.",
        ("About 640,000",),
        title="Storm knocks out power",
        hard=True,
    ),
    Sentence(
        "How many people lost power?",
        "Crews have restored electricity to 90,000 customers.",
        title="Storm knocks out power",
    ),
    Sentence(
        "How many tanks did Germany promise?",
        "Germany promised 14 Leopard tanks; Poland would send as many.",
        ("14",),
    ),
    Sentence(
        "How many tanks did Germany promise?",
        "Ukraine has asked for 300 tanks.",
        title="Germany promises tanks",
    ),
    Sentence(
        "How many people voted for the amendment?",
        "The amendment passed with 1,204,110 votes in favor and 980,400 against.",
        ("1,204,110",),
        title="Amendment passes",
        hard=True,
    ),
    Sentence(
        "What was the turnout in the Moldovan election?",
        "Turnout was 51.7 percent, the election commission said, up from 48.5 percent in 2020.",
        ("51.7 percent",),
        title="Moldovan election",
        attribution="the election commission",
    ),
    Sentence(
        "What is the unemployment rate?",
        "The unemployment rate rose to 4.2 percent in July, from 4.1 percent in June.",
        ("4.2 percent",),
        published="2024-08-02",
        also=("4.1 percent",),
    ),
    Sentence(
        "How much did the company pay for the studio?",
        "The company paid $68.7 billion for the studio, its largest purchase since 2016.",
        ("$68.7 billion",),
    ),
    Sentence(
        "How much was the company fined?",
        "The regulator fined the company 1.2 billion euros on Monday.",
        ("1.2 billion euros",),
        attribution=None,
    ),
    Sentence(
        "How many workers went on strike?",
        "About 13,000 autoworkers walked out at midnight, the union said.",
        ("About 13,000",),
        title="Autoworkers go on strike",
        hard=True,
    ),
    Sentence(
        "How many students were arrested at Columbia?",
        "The police arrested 109 people at Columbia and 173 at City College.",
        ("109",),
    ),
    Sentence(
        "How many migrants crossed the border?",
        "Border agents recorded 249,785 illegal crossings in December, a record.",
        ("249,785",),
        title="Migrants cross the border in record numbers",
        hard=True,
    ),
    Sentence(
        "How many migrants drowned?",
        "At least 61 migrants drowned off Libya, the agency said on Saturday.",
        ("At least 61",),
        as_of="2024-05-04",
        attribution="the agency",
    ),
    Sentence(
        "How many trucks entered Gaza?",
        "Only 12 aid trucks entered Gaza on Wednesday, down from 220 a day in April.",
        ("Only 12",),
        as_of="2024-05-08",
    ),
    Sentence(
        "How many trucks entered Gaza?",
        "The United Nations says 500 trucks a day are needed.",
        title="Trucks enter Gaza",
    ),
    Sentence(
        "How many hostages were rescued?",
        "Israeli forces rescued four hostages from Nuseirat on Saturday; 274 Palestinians were "
        "killed.",
        ("four",),
    ),
    Sentence(
        "How many Palestinians were killed in the raid?",
        "Israeli forces rescued four hostages from Nuseirat on Saturday; 274 Palestinians were "
        "killed.",
        ("274",),
        title="Hostages rescued in raid",
    ),
    Sentence(
        "How many people were aboard the plane?",
        "The plane, with 62 people aboard, crashed in Vinhedo, killing everyone on board.",
        ("62",),
    ),
    Sentence(
        "How many people were aboard the plane?",
        "It was Brazil’s deadliest crash since 2007, when 199 people died.",
        title="Plane crashes in Brazil",
    ),
    Sentence(
        "How many soldiers has North Korea sent to Russia?",
        "North Korea has sent about 10,000 troops to Russia, the Pentagon said on Monday.",
        ("about 10,000",),
        as_of="2024-05-06",
        attribution="the Pentagon",
    ),
    Sentence(
        "How many soldiers has North Korea sent to Russia?",
        "Russia has mobilized 300,000 men since September 2022.",
        title="North Korea sends soldiers to Russia",
    ),
    Sentence(
        "How many buildings collapsed in Izmir?",
        "At least 20 buildings collapsed in Izmir and 900 people were hurt, the mayor said.",
        ("At least 20",),
        attribution="the mayor",
    ),
    Sentence(
        "How many people have been rescued?",
        "Rescuers pulled 106 people from the rubble by Sunday night.",
        ("106",),
        as_of="2024-05-05",
        title="Rescuers search the rubble",
    ),
    Sentence(
        "How many doses have been given?",
        "Hospitals gave 21,000 doses in the first week, and 40,000 more are on their way.",
        ("21,000",),
    ),
    Sentence(
        "How many members did the party lose?",
        "The party lost 37,000 members last year and now has 365,000.",
        ("37,000",),
        as_of="2023",
    ),
)
