"""Sentences and small sets of articles with the values that they state for a question.

Written before the room that reads them, so that it could not be fitted to its own results; the
events, names and numbers are invented or changed. A case that is not read rightly yet is marked
``hard`` and counted, not hidden.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Sentence:
    """One sentence asked one question.

    Attributes:
        values: What it states, to the letter, with the hedge; nothing if it counts other things.
        also: Values that are no error (an older figure that carries its own date).
        as_of: Of the first value, ISO 8601; checked where given.
        attribution: Of the first value; checked where given.
        hard: Known not to be read rightly.
    """

    question: str
    text: str
    values: tuple[str, ...] = ()
    title: str = ""
    published: str = "2024-05-08"
    also: tuple[str, ...] = ()
    as_of: str | None = None
    attribution: str | None = None
    hard: bool = False


DERNA = "How many people died in the Derna flood?"
DERNA_TITLE = "Derna flood: what we know"
QUAKE = "How many people were killed in the Myanmar earthquake?"
QUAKE_TITLE = "Myanmar earthquake: rescuers dig for survivors"
FERRY = "How many people died in the ferry accident?"
FERRY_TITLE = "Ferry accident off Palawan"
ARREST = "How many people were arrested?"
JOBS = "How many jobs will Nordwerk cut?"
GAZA = "How many people have been killed in Gaza?"

SENTENCES = (
    # --- floods: the whole event, one place of it, another event, another measure
    Sentence(
        DERNA,
        "The death toll in Derna rose to 11,300 on Thursday, the Libyan Red Crescent said.",
        ("11,300",),
        title=DERNA_TITLE,
        published="2023-09-15",
        as_of="2023-09-14",
        attribution="the Libyan Red Crescent",
    ),
    Sentence(
        DERNA,
        "At least 5,000 people are presumed dead and 10,000 more are missing.",
        ("At least 5,000",),
        title=DERNA_TITLE,
    ),
    Sentence(DERNA, "More than 30,000 people were displaced.", title=DERNA_TITLE),
    Sentence(
        DERNA,
        "A storm in 1959 killed more than 100 people in the same valley.",
        title=DERNA_TITLE,
    ),
    Sentence(
        DERNA,
        "Among the dead were 84 Egyptians, whose bodies were flown home.",
        title=DERNA_TITLE,
    ),
    Sentence(
        DERNA,
        "Of the 11,300 dead, 4,000 were buried in mass graves.",
        ("11,300",),
        title=DERNA_TITLE,
    ),
    Sentence(DERNA, "In the neighboring town of Bayda, 47 people died.", title=DERNA_TITLE),
    Sentence(DERNA, "The mayor said the toll could reach 20,000.", title=DERNA_TITLE),
    Sentence(
        DERNA,
        "The toll, which had stood at 6,000 on Tuesday, climbed to 8,000.",
        ("8,000",),
        title=DERNA_TITLE,
        also=("6,000",),
    ),
    # --- an earthquake
    Sentence(
        QUAKE,
        "The magnitude 7.7 quake killed at least 1,644 people, state television reported.",
        ("at least 1,644",),
        title=QUAKE_TITLE,
        attribution="state television",
    ),
    Sentence(
        QUAKE,
        "The 7.7-magnitude earthquake struck at 12:50 p.m. on March 28, 2025, about 16 kilometers "
        "from Mandalay.",
        title=QUAKE_TITLE,
    ),
    Sentence(QUAKE, "In Thailand, 10 people died when a high-rise collapsed.", title=QUAKE_TITLE),
    Sentence(QUAKE, "More than 3,400 people were injured and 139 are missing.", title=QUAKE_TITLE),
    Sentence(
        QUAKE,
        "The number of dead has climbed to 2,056, with 3,900 injured, a military spokesman said "
        "on Monday.",
        ("2,056",),
        title=QUAKE_TITLE,
        published="2025-03-31",
        as_of="2025-03-31",
        attribution="a military spokesman",
    ),
    Sentence(
        "How many people were injured in the earthquake?",
        "The number of dead has climbed to 2,056, with 3,900 injured, a military spokesman said "
        "on Monday.",
        ("3,900",),
        title=QUAKE_TITLE,
    ),
    # --- hostages, prisoners
    Sentence(
        "How many hostages were released?",
        "Hamas released 24 hostages on Friday, including 13 Israelis.",
        ("24",),
        published="2023-11-25",
        as_of="2023-11-24",
    ),
    Sentence(
        "How many hostages were released?",
        "Israel freed 39 Palestinian prisoners in return.",
    ),
    Sentence(
        "How many hostages are still held in Gaza?",
        "Of the 251 people abducted, 105 were freed and about 130 are still being held in Gaza, "
        "Israel says.",
        ("about 130",),
        attribution="Israel",
    ),
    # --- war
    Sentence(
        "How many civilians have been killed in Ukraine?",
        "The United Nations has verified at least 10,582 civilian deaths since February 2022.",
        ("at least 10,582",),
        title="Ukraine enters third year of war",
        attribution="The United Nations",
    ),
    Sentence(
        "How many civilians have been killed in Ukraine?",
        "Russia has lost 315,000 soldiers, according to a U.S. intelligence assessment.",
        title="Ukraine enters third year of war",
    ),
    Sentence(
        "How many civilians have been killed in Ukraine?",
        "An attack on the village of Hroza killed 59 civilians in October 2023.",
        title="Ukraine enters third year of war",
    ),
    Sentence(
        "How many soldiers were killed?",
        "Twelve soldiers and three civilians were killed when the convoy was ambushed.",
        ("Twelve",),
    ),
    Sentence(
        GAZA,
        "Gaza’s Health Ministry says more than 50,000 people have been killed.",
        ("more than 50,000",),
        attribution="Gaza’s Health Ministry",
    ),
    Sentence(
        GAZA,
        "More than 50,000 people have been killed in Gaza, according to the local health ministry, "
        "most of them women and children.",
        ("More than 50,000",),
        attribution="the local health ministry",
    ),
    Sentence(
        GAZA,
        "The October 7 attack killed about 1,200 people in Israel, and 251 were taken hostage.",
        title="Talks over Gaza truce resume",
    ),
    # --- elections
    Sentence(
        "How many votes did Mateus win?",
        "Mateus won 4.2 million votes, or 51 percent, the commission said on Sunday.",
        ("4.2 million",),
        attribution="the commission",
    ),
    Sentence(
        "What percentage of the vote did Mateus win?",
        "Mateus won 4.2 million votes, or 51 percent, the commission said on Sunday.",
        ("51 percent",),
    ),
    Sentence("What percentage of the vote did Mateus win?", "Turnout was 63 percent."),
    Sentence(
        "How many seats did the Workers’ Party win?",
        "The Workers’ Party took 121 seats in the 230-seat parliament, 12 more than in 2020.",
        ("121",),
    ),
    # --- money
    Sentence(
        "How much did the flood damage cost?",
        "Insurers put the damage at $4.3 billion.",
        ("$4.3 billion",),
        attribution="Insurers",
    ),
    Sentence(
        "How much will the bridge cost?",
        "The bridge, first budgeted at $1.2 billion, will now cost $1.9 billion, the ministry "
        "said.",
        ("$1.9 billion",),
        attribution="the ministry",
    ),
    Sentence(
        "What is the price of a barrel of oil?",
        "Brent crude rose 3 percent to $92.40 a barrel on Tuesday.",
        ("$92.40",),
    ),
    Sentence(
        "How much money was stolen?",
        "The thieves took jewels worth 88 million euros, the prosecutor said.",
        ("88 million euros",),
        attribution="the prosecutor",
    ),
    # --- layoffs
    Sentence(
        JOBS,
        "Nordwerk said on Tuesday that it would cut 3,500 jobs, about 4 percent of its workforce "
        "of 88,000.",
        ("3,500",),
        as_of="2024-05-07",
        attribution="Nordwerk",
    ),
    Sentence(JOBS, "Nordwerk employs 88,000 people in 14 countries."),
    Sentence(
        JOBS,
        "Nordwerk will lay off 3,800 workers by the end of 2026, a union representative said.",
        ("3,800",),
        as_of="2024-05-08",
        attribution="a union representative",
    ),
    # --- arrests and crowds
    Sentence(
        ARREST,
        "Police arrested 47 people on Saturday night, and nine officers were hurt.",
        ("47",),
        published="2024-05-06",
        as_of="2024-05-04",
    ),
    Sentence(ARREST, "Nine officers were hurt and 52 protesters detained.", ("52",)),
    Sentence(
        "How many people took part in the march?",
        "Organizers put the crowd at 200,000; the police counted 70,000.",
        ("200,000", "70,000"),
        title="March in Warsaw draws huge crowd",
    ),
    # --- health
    Sentence(
        "How many people have been vaccinated?",
        "About 1.6 million people had been vaccinated by Friday, the ministry said, and 2.1 "
        "million doses delivered.",
        ("About 1.6 million",),
        as_of="2024-05-03",
        attribution="the ministry",
    ),
    Sentence(
        "How many measles cases have been confirmed?",
        "Some 240 cases have been confirmed, 37 of them in children.",
        ("Some 240",),
        title="Measles outbreak grows",
    ),
    Sentence(
        "How many of the cases are in children?",
        "Some 240 cases have been confirmed, 37 of them in children.",
        ("37",),
        title="Measles outbreak grows",
    ),
    # --- fires
    Sentence(
        "How many people were evacuated?",
        "Firefighters evacuated 1,200 residents from 340 homes as the blaze burned 5,000 hectares.",
        ("1,200",),
    ),
    Sentence(
        "How many hectares have burned?",
        "Firefighters evacuated 1,200 residents from 340 homes as the blaze burned 5,000 hectares.",
        ("5,000",),
    ),
    Sentence(
        "How many homes were destroyed?",
        "The fire destroyed 68 houses and damaged 120 more.",
        ("68",),
    ),
    Sentence("How many people died?", "Some 3.1 million people are under flood warnings."),
    # --- ranges, ordinals, ages, times, older figures
    Sentence(FERRY, "A 34-year-old man became the 18th victim on Tuesday.", title=FERRY_TITLE),
    Sentence(
        FERRY,
        "Between 15 and 20 people drowned, the coast guard said.",
        ("Between 15 and 20",),
        title=FERRY_TITLE,
        attribution="the coast guard",
    ),
    Sentence(
        FERRY,
        "Rescuers searched a 12-mile stretch for 36 hours and found no one alive.",
        title=FERRY_TITLE,
    ),
    Sentence(
        FERRY,
        "The ferry, with 146 people aboard, sank at 3:20 a.m., killing 18.",
        ("18",),
        title=FERRY_TITLE,
    ),
    Sentence(
        FERRY,
        "Eighteen people died, up from 12 reported on Monday.",
        ("Eighteen",),
        title=FERRY_TITLE,
        also=("12",),
    ),
    Sentence(
        FERRY,
        "The toll was revised down to 15 from 18 after two bodies were counted twice.",
        ("15",),
        title=FERRY_TITLE,
    ),
    Sentence(FERRY, "Dozens of people were killed.", ("Dozens",), title=FERRY_TITLE),
    Sentence(FERRY, "One person was killed and two were wounded.", ("One",), title=FERRY_TITLE),
    Sentence(
        FERRY,
        "The collision could have killed hundreds, the captain said.",
        title=FERRY_TITLE,
    ),
    # --- dates in words
    Sentence(
        FERRY,
        "As of Tuesday morning, 61 people had been confirmed dead.",
        ("61",),
        title=FERRY_TITLE,
        as_of="2024-05-07",
    ),
    Sentence(
        FERRY,
        "By Sunday evening the death toll stood at 77.",
        ("77",),
        title=FERRY_TITLE,
        as_of="2024-05-05",
    ),
    Sentence(
        FERRY,
        "The ministry said last month that 40 people had died.",
        ("40",),
        title=FERRY_TITLE,
        as_of="2024-04",
        attribution="The ministry",
    ),
    Sentence(
        FERRY,
        "Authorities said yesterday that nine people had died.",
        ("nine",),
        title=FERRY_TITLE,
        as_of="2024-05-07",
        attribution="Authorities",
    ),
    Sentence(
        FERRY,
        "The governor said at a news conference on Monday that 23 people had died.",
        ("23",),
        title=FERRY_TITLE,
        as_of="2024-05-06",
        attribution="The governor",
    ),
    Sentence(
        FERRY,
        "The ferry capsized on Friday, killing 21 people.",
        ("21",),
        title=FERRY_TITLE,
        as_of="2024-05-08",
    ),
    # --- lengths of time
    Sentence(
        "How long will the cease-fire last?",
        "The two sides agreed to a 60-day cease-fire.",
        ("60-day",),
    ),
    Sentence(
        "How long will the truce last?",
        "Mediators have proposed a truce of 45 days.",
        ("45 days",),
        attribution="Mediators",
        hard=False,
    ),
)


@dataclass(frozen=True, slots=True)
class Story:
    """A small set of articles asked one question.

    Attributes:
        articles: File name, date or "", title, text.
        readings: File name, value to the letter, as of; newest first.
    """

    name: str
    question: str
    articles: tuple[tuple[str, str, str, str], ...]
    readings: tuple[tuple[str, str, str | None], ...]
    disagreement: str | None
    hard: bool = False


STORIES = (
    Story(
        "a mine's toll grows",
        "How many miners died in the Copiapo mine collapse?",
        (
            (
                "mon.txt",
                "2024-03-04",
                "Mine collapses near Copiapo",
                "A tunnel of the San Pedro mine near Copiapo collapsed on Sunday night. Seven "
                "miners were killed and 31 were trapped, the mining ministry said. The mine "
                "employs 420 people. In 2010, 33 miners survived 69 days underground nearby.",
            ),
            (
                "tue.txt",
                "2024-03-05",
                "Copiapo mine: rescuers reach second tunnel",
                "Rescuers reached a second tunnel on Tuesday. At least 12 miners have died, "
                "officials said. Nineteen are still missing. Another 14 were brought to a "
                "hospital.",
            ),
            (
                "fri.txt",
                "2024-03-08",
                "All miners at Copiapo found",
                "The last bodies were recovered on Friday. The death toll from the collapse stands "
                "at 19, the government said. It was the country’s worst mining accident since "
                "2006, when four men died.",
            ),
        ),
        (
            ("fri.txt", "19", "2024-03-08"),
            ("tue.txt", "At least 12", "2024-03-05"),
            ("mon.txt", "Seven", "2024-03-04"),
        ),
        "over_time",
    ),
    Story(
        "a crowd counted by two sides",
        "How many people took part in the march in Belgrade?",
        (
            (
                "a.txt",
                "2025-03-16",
                "Belgrade march fills the streets",
                "About 107,000 people took part in the march, the interior ministry said. Police "
                "arrested 13 people. Twenty-two people were slightly injured.",
            ),
            (
                "b.txt",
                "2025-03-16",
                "Students lead huge march in Belgrade",
                "Up to 325,000 people took part in the march through Belgrade, according to an "
                "independent monitoring group. It was the largest since October 5, 2000.",
            ),
        ),
        (("a.txt", "About 107,000", "2025-03-16"), ("b.txt", "Up to 325,000", "2025-03-16")),
        "between_sources",
    ),
    Story(
        "votes counted through the night",
        "How many votes did Elena Sava receive?",
        (
            (
                "early.txt",
                "2024-11-24",
                "First results",
                "With half of the ballots counted, Elena Sava had received 1.1 million votes, the "
                "electoral bureau said. Her rival Ion Duca had 980,000 votes.",
            ),
            (
                "late.txt",
                "2024-11-25",
                "Sava wins",
                "Elena Sava received 2,120,401 votes, the electoral bureau said on Monday. Turnout "
                "reached 52 percent. Ion Duca received 1,941,010 votes.",
            ),
        ),
        (("late.txt", "2,120,401", "2024-11-25"), ("early.txt", "1.1 million", "2024-11-24")),
        "over_time",
    ),
    Story(
        "one company's layoffs, another's beside them",
        "How many jobs will Halvorsen cut?",
        (
            (
                "plan.txt",
                "2025-01-14",
                "Halvorsen announces layoffs",
                "Halvorsen will cut 5,600 jobs, the company announced on Tuesday. It has 70,000 "
                "employees. A competitor, Brandt, cut 2,000 jobs last year.",
            ),
            (
                "union.txt",
                "2025-01-14",
                "Union attacks Halvorsen",
                "The union said that Halvorsen would cut 7,000 jobs. Workers walked out for two "
                "hours.",
            ),
        ),
        (("plan.txt", "5,600", "2025-01-14"), ("union.txt", "7,000", "2025-01-14")),
        "between_sources",
    ),
    Story(
        "hostages, prisoners and bodies kept apart",
        "How many hostages remain in Gaza?",
        (
            (
                "june.txt",
                "2024-06-12",
                "Israel awaits answer",
                "More than 120 hostages remain in Gaza. At least 40 of them are dead, Israeli "
                "officials believe. Israel holds 9,000 Palestinian prisoners.",
            ),
            (
                "july.txt",
                "2025-07-24",
                "Talks break off",
                "About 50 hostages remain in Gaza, 20 of whom are believed to be alive. Under the "
                "plan, 10 living hostages would be released in 60 days.",
            ),
        ),
        (("july.txt", "About 50", "2025-07-24"), ("june.txt", "More than 120", "2024-06-12")),
        "over_time",
    ),
    Story(
        "two fires of one week",
        "How many homes did the Ridge Fire destroy?",
        (
            (
                "ridge1.txt",
                "2025-08-02",
                "Ridge Fire grows",
                "The Ridge Fire has destroyed at least 40 homes, officials said Saturday. Some "
                "11,000 people were told to leave. No deaths were reported.",
            ),
            (
                "canyon.txt",
                "2025-08-03",
                "Canyon Fire threatens town",
                "The Canyon Fire destroyed 212 homes on Sunday. It has burned 9,000 acres.",
            ),
            (
                "ridge2.txt",
                "2025-08-05",
                "Crews gain ground on Ridge Fire",
                "The Ridge Fire destroyed 63 homes before crews stopped it, the county said.",
            ),
        ),
        (("ridge2.txt", "63", "2025-08-05"), ("ridge1.txt", "at least 40", "2025-08-02")),
        "over_time",
    ),
    Story(
        "two earthquakes in one archive",
        "How many people were killed in the earthquake in Taiwan?",
        (
            (
                "taiwan.txt",
                "2024-04-04",
                "Taiwan earthquake: search goes on",
                "The quake killed at least nine people, the fire agency said. More than 1,000 were "
                "injured. A quake in 1999 killed 2,400 people.",
            ),
            (
                "japan.txt",
                "2024-01-05",
                "Japan earthquake: hope fades",
                "The quake killed at least 94 people, the prefecture said. More than 200 are "
                "missing.",
            ),
        ),
        (("taiwan.txt", "at least nine", "2024-04-04"),),
        None,
    ),
    Story(
        "a wire report printed twice",
        "How many people were arrested in Tbilisi?",
        (
            (
                "one.txt",
                "2024-12-02",
                "Police break up protest in Tbilisi",
                "Police arrested 224 people in Tbilisi, the interior ministry said on Monday. "
                "Twenty-one officers were hurt.",
            ),
            (
                "two.txt",
                "2024-12-02",
                "Police break up protest in Tbilisi",
                "Police arrested 224 people in Tbilisi, the interior ministry said on Monday. "
                "Twenty-one officers were hurt.",
            ),
        ),
        (("one.txt", "224", "2024-12-02"),),
        None,
    ),
    Story(
        "doses are not people",
        "How many people have been vaccinated against polio?",
        (
            (
                "first.txt",
                "2024-09-04",
                "Polio campaign begins",
                "More than 189,000 children have been vaccinated against polio, the W.H.O. said on "
                "Wednesday. About 1.2 million doses had arrived.",
            ),
            (
                "second.txt",
                "2024-09-13",
                "Polio campaign ends its first round",
                "Some 560,000 children were vaccinated against polio in the first round, the "
                "W.H.O. said on Friday. Each child needs two drops.",
            ),
        ),
        (
            ("second.txt", "Some 560,000", "2024-09-13"),
            ("first.txt", "More than 189,000", "2024-09-04"),
        ),
        "over_time",
    ),
    Story(
        "missing people are not dead people",
        "How many people are missing after the landslide?",
        (
            (
                "a.txt",
                "2024-07-31",
                "Landslide buries village",
                "The landslide killed 106 people and 98 are still missing, officials said. Some "
                "3,000 people were moved to camps.",
            ),
            (
                "b.txt",
                "2024-08-02",
                "Landslide: search goes on",
                "The toll rose to 201 on Friday. About 200 people are missing.",
            ),
        ),
        (("b.txt", "About 200", "2024-08-02"), ("a.txt", "98", "2024-07-31")),
        "over_time",
    ),
    Story(
        "the price of a rescue",
        "How much money will the European Union lend Ukraine?",
        (
            (
                "a.txt",
                "2024-10-10",
                "Loan agreed",
                "The European Union will lend Ukraine up to 35 billion euros, diplomats said. The "
                "United States promised $20 billion.",
            ),
            (
                "b.txt",
                "2024-10-24",
                "Parliament votes on loan",
                "The European Union will lend Ukraine 18.1 billion euros, the commission said. "
                "Lawmakers voted 518 to 56.",
            ),
        ),
        (
            ("b.txt", "18.1 billion euros", "2024-10-24"),
            ("a.txt", "up to 35 billion euros", "2024-10-10"),
        ),
        "over_time",
    ),
    Story(
        "a figure that stands for an earlier month",
        "How many refugees live in the camp?",
        (
            (
                "a.txt",
                "2025-02-10",
                "Life in the camp",
                "As of December 2024, about 81,000 refugees lived in the camp, the agency says. "
                "Some 400 tents burned last week.",
            ),
            (
                "b.txt",
                "2025-02-11",
                "Camp fire leaves many homeless",
                "The fire left 2,000 people homeless. About 86,000 refugees live in the camp.",
            ),
        ),
        (("b.txt", "About 86,000", "2025-02-11"), ("a.txt", "about 81,000", "2024-12")),
        "over_time",
    ),
    Story(
        "nobody states it",
        "How many soldiers were wounded in the attack?",
        (
            (
                "a.txt",
                "2024-02-01",
                "Base attacked",
                "Three soldiers were killed in the attack. Some 350 soldiers are stationed there. "
                "The drone hit at 5:30 a.m.",
            ),
        ),
        (),
        None,
    ),
    Story(
        "a toll across several states, and each state's own",
        "How many people has Storm Lothar killed?",
        (
            (
                "a.txt",
                "2024-12-27",
                "Storm Lothar crosses Europe",
                "Storm Lothar has killed at least 60 people across three countries. In France, 44 "
                "people died. Germany reported 15 deaths. More than two million homes lost power.",
            ),
            (
                "b.txt",
                "2024-12-29",
                "Cleaning up after Lothar",
                "The storm killed 88 people in France, officials there said. The death toll from "
                "Storm Lothar has risen to more than 110.",
            ),
        ),
        (("b.txt", "more than 110", "2024-12-29"), ("a.txt", "at least 60", "2024-12-27")),
        "over_time",
    ),
)
