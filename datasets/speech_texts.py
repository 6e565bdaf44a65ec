"""What the text-to-speech engines say: sentences by language.

The Universal Declaration of Human Rights (1948), and for English also the opening of
"Alice's Adventures in Wonderland" (1865): both may be used freely.
"""

from collections.abc import Mapping
from types import MappingProxyType

TEXTS: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "en": (
            "All human beings are born free and equal in dignity and rights.",
            "They are endowed with reason and conscience and should act towards one another in a"
            " spirit of brotherhood.",
            "Everyone has the right to life, liberty and security of person.",
            "No one shall be held in slavery or servitude.",
            "Everyone has the right to recognition everywhere as a person before the law.",
            "No one shall be subjected to arbitrary arrest, detention or exile.",
            "Everyone has the right to freedom of movement and residence within the borders of each"
            " state.",
            "Everyone has the right to leave any country, including his own.",
            "Everyone has the right to own property alone as well as in association with others.",
            "Everyone has the right to freedom of opinion and expression.",
            "Everyone has the right to work, to free choice of employment.",
            "Education shall be free, at least in the elementary stages.",
            "Alice was beginning to get very tired of sitting by her sister on the bank.",
            "Once or twice she had peeped into the book her sister was reading.",
            "And what is the use of a book, thought Alice, without pictures or conversations?",
            "Suddenly a white rabbit with pink eyes ran close by her.",
            "There was nothing so very remarkable in that.",
            "Burning with curiosity, she ran across the field after it.",
            "In another moment down went Alice after it.",
            "The rabbit hole went straight on like a tunnel for some way.",
            "Either the well was very deep, or she fell very slowly.",
            "She took down a jar from one of the shelves as she passed.",
            "Down, down, down. Would the fall never come to an end?",
            "I wonder how many miles I have fallen by this time, she said aloud.",
        ),
        "nl": (
            "Alle mensen worden vrij en gelijk in waardigheid en rechten geboren.",
            "Zij zijn begiftigd met verstand en geweten, en behoren zich jegens elkander in een"
            " geest van broederschap te gedragen.",
            "Een ieder heeft recht op leven, vrijheid en onschendbaarheid van zijn persoon.",
            "Niemand zal in slavernij of horigheid gehouden worden.",
            "Een ieder heeft recht op vrijheid van mening en meningsuiting.",
            "Een ieder heeft recht op onderwijs; het onderwijs zal kosteloos zijn.",
            "Een ieder heeft recht op arbeid, op vrije keuze van beroep.",
            "Een ieder heeft het recht welk land ook te verlaten.",
        ),
        "ru": (
            "Все люди рождаются свободными и равными в своём достоинстве и правах.",
            "Они наделены разумом и совестью и должны поступать в отношении друг друга в духе"
            " братства.",
            "Каждый человек имеет право на жизнь, на свободу и на личную неприкосновенность.",
            "Никто не должен содержаться в рабстве или в подневольном состоянии.",
            "Каждый человек имеет право на свободу убеждений и на свободное выражение их.",
            "Каждый человек имеет право на образование.",
            "Каждый человек имеет право на труд, на свободный выбор работы.",
            "Каждый человек имеет право покидать любую страну, включая свою собственную.",
        ),
        "es": (
            "Todos los seres humanos nacen libres e iguales en dignidad y derechos.",
            "Dotados como están de razón y conciencia, deben comportarse fraternalmente los unos"
            " con los otros.",
            "Todo individuo tiene derecho a la vida, a la libertad y a la seguridad de su persona.",
            "Nadie estará sometido a esclavitud ni a servidumbre.",
            "Todo individuo tiene derecho a la libertad de opinión y de expresión.",
            "Toda persona tiene derecho a la educación, que debe ser gratuita.",
            "Toda persona tiene derecho al trabajo, a la libre elección de su trabajo.",
            "Toda persona tiene derecho a salir de cualquier país, incluso del propio.",
        ),
        "fr": (
            "Tous les êtres humains naissent libres et égaux en dignité et en droits.",
            "Ils sont doués de raison et de conscience et doivent agir les uns envers les autres"
            " dans un esprit de fraternité.",
            "Tout individu a droit à la vie, à la liberté et à la sûreté de sa personne.",
            "Nul ne sera tenu en esclavage ni en servitude.",
            "Tout individu a droit à la liberté d'opinion et d'expression.",
            "Toute personne a droit à l'éducation, qui doit être gratuite.",
            "Toute personne a droit au travail, au libre choix de son travail.",
            "Toute personne a le droit de quitter tout pays, y compris le sien.",
        ),
        "it": (
            "Tutti gli esseri umani nascono liberi ed eguali in dignità e diritti.",
            "Essi sono dotati di ragione e di coscienza e devono agire gli uni verso gli altri in"
            " spirito di fratellanza.",
            "Ogni individuo ha diritto alla vita, alla libertà ed alla sicurezza della propria"
            " persona.",
            "Nessun individuo potrà essere tenuto in stato di schiavitù o di servitù.",
            "Ogni individuo ha diritto alla libertà di opinione e di espressione.",
            "Ogni individuo ha diritto all'istruzione, che deve essere gratuita.",
        ),
    }
)
