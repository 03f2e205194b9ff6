"""Questions for the dense model to answer: subjects by question forms, plus small exact tasks.

Which prompt is for training and which is held out is decided by its subject, so that no held-out
answer is about something that the training text asks about in another form.
"""

import random

SUBJECTS = """
photosynthesis; the French Revolution; black holes; bread; the water cycle; inflation; chess;
jazz; volcanoes; vaccines; the Roman Empire; electric cars; meditation; tea; the printing press;
gravity; democracy; the Amazon rainforest; recycling; coral reefs; sleep; the stock market;
bicycles; honey; Shakespeare; the Great Wall of China; antibiotics; earthquakes; solar panels;
dogs; cats; elephants; the moon landing; probability; DNA; the Silk Road; coffee; vegetable
gardens; marathon running; yoga; budgeting; job interviews; public speaking; friendship; learning
a language; time management; teamwork; remote work; climate change; deserts; rivers; whales; bees;
dinosaurs; the solar system; atoms; magnets; batteries; computers; the internet; encryption;
databases; operating systems; compilers; neural networks; search engines; spreadsheets; version
control; unit tests; recursion; sorting algorithms; hash tables; binary search; prime numbers;
fractions; percentages; geometry; the Pythagorean theorem; statistics; maps; lighthouses; castles;
bridges; trains; airplanes; sailing; fishing; hiking; camping; swimming; football; tennis;
basketball; cooking pasta; soup; chocolate; cheese; olive oil; salt; sugar; breakfast;
restaurants; hotels; museums; libraries; schools; exams; homework; novels; poetry; theatre;
cinema; photography; painting; sculpture; the piano; the guitar; opera; dance; fashion; shoes;
gold; steel; glass; paper; plastic; cotton; houses; kitchens; furniture; light bulbs;
refrigerators; clocks; calendars; birthdays; weddings; holidays; gifts; letters; e-mail;
telephones; radio; newspapers; advertising; small businesses; banks; taxes; insurance; contracts;
laws; courts; elections; the United Nations; peace; medicine; the heart; the brain; teeth; bones;
vitamins; exercise; stress; colds; allergies; hospitals; nurses; farmers; engineers; teachers;
astronauts; pirates; kings and queens; ancient Egypt; ancient Greece; the Vikings; the
Renaissance; the Industrial Revolution; the First World War; Antarctica; Africa; Japan; India;
Brazil; Canada; Paris; London; New York; snow; rain; wind; clouds; the ocean; mountains; forests;
flowers; trees; mushrooms; insects; birds; snakes; horses; cows; robots; drones; video games;
board games; puzzles
"""

FORMS = """
What is the most important thing to know about {}?
Explain {} to a ten-year-old.
Give me five facts about {}.
Write a short story about {}.
Write a short poem about {}.
What are the advantages and disadvantages of {}?
Summarize the history of {} in one paragraph.
Why does {} matter today?
List three common misconceptions about {}.
How would you teach a class about {}?
Write an e-mail to a colleague about {}.
Give me a step-by-step plan to learn more about {}.
What questions should I ask an expert on {}?
Compare {} with something similar.
Write a dialogue between two friends about {}.
Tell me something surprising about {}.
Write the introduction of an essay on {}.
What equipment or knowledge do I need for {}?
I know nothing about {}. Where do I start?
Describe {} in exactly three sentences.
What mistakes do people make with {}?
Suggest a title and an outline for an article on {}.
"""

CODE_TASKS = """
reverses a string; checks whether a number is prime; computes the factorial of n; merges two
sorted lists; counts the words in a text file; finds the largest number in a list; removes
duplicates from a list; converts Celsius to Fahrenheit; sorts a list of dictionaries by a key;
reads a CSV file; computes the Fibonacci sequence; checks whether a word is a palindrome; flattens
a nested list; computes the average of a list; counts the vowels in a string; downloads a web
page; parses a date; draws a triangle of stars; implements a stack; implements a queue; performs a
binary search; computes the greatest common divisor; transposes a matrix; groups words by their
first letter; validates an e-mail address; generates a random password; computes compound
interest; converts a number to binary; counts the lines of a file; writes a dictionary to JSON
"""

LANGUAGES = ("Python", "JavaScript", "Java", "C", "SQL")

COUNTRIES = """
France; Germany; Italy; Spain; Portugal; Greece; Poland; Sweden; Norway; Finland; Denmark;
Ireland; Austria; Hungary; Turkey; Egypt; Kenya; Nigeria; Morocco; South Africa; China; Japan;
India; Thailand; Vietnam; Indonesia; Australia; New Zealand; Mexico; Canada; Brazil; Argentina;
Chile; Peru; Cuba
"""

COUNTRY_FORMS = (
    "What is the capital of {}?",
    "Which language do people speak in {}?",
    "On which continent is {}?",
    "Name a famous dish from {}.",
)

HELD_OUT_EVERY = 9


def prompts(seed: int, training: int, held_out: int) -> tuple[list[str], list[str]]:
    """Draws that many different prompts of each kind; the subjects of the two do not overlap."""
    random_source = random.Random(seed)
    kept: list[str] = []
    apart: list[str] = []
    for subjects, forms in _families():
        for number, subject in enumerate(subjects):
            side = apart if number % HELD_OUT_EVERY == HELD_OUT_EVERY - 1 else kept
            side.extend(form.format(subject) for form in forms)
    kept.extend(_arithmetic(random_source, 150))
    return random_source.sample(kept, training), random_source.sample(apart, held_out)


def _families() -> list[tuple[list[str], list[str]]]:
    code_forms = [f"Write a {language} program that {{}}." for language in LANGUAGES]
    return [
        (_items(SUBJECTS), FORMS.strip().splitlines()),
        (_items(CODE_TASKS), [*code_forms, "Write and explain a Python function that {}."]),
        (_items(COUNTRIES), list(COUNTRY_FORMS)),
    ]


def _items(text: str) -> list[str]:
    return [" ".join(item.split()) for item in text.split(";")]


def _arithmetic(random_source: random.Random, count: int) -> list[str]:
    signs = ("plus", "minus", "times", "divided by")
    return [
        f"What is {random_source.randint(2, 99)} {random_source.choice(signs)} "
        f"{random_source.randint(2, 20)}?"
        for _ in range(count)
    ]
