"""Word lists of spoken English: the closed classes whole, the open ones by their commonest members."""

from __future__ import annotations


def _set(words: str) -> frozenset[str]:
    return frozenset(words.split())


ARTICLES = _set("a an the every")
DEMONSTRATIVES = _set("this that these those")
POSSESSIVES = _set("my your his her its our their whose")
QUANTIFIERS = _set(
    "some any no all both each another either neither many much few several more most less fewer half enough such"
)
PREPOSITIONS = _set(
    "of to in on at for with from by about into onto upon under over behind beside between among against toward "
    "towards through throughout during without within until till since after before above below beneath beyond near "
    "across along around past like off out up down inside outside except despite per via regarding concerning than"
)
PARTICLES = _set(
    "in on off out up down over away back through around along forward together by across past about after"
)
"""Prepositions (and adverbs) that also end a phrasal verb: `turn it on`, `we ran out`."""
PHRASAL_VERBS = {
    "in": _set("come let bring move fold check log sign step give fill plug go all"),
    "on": _set("hold go carry come turn put move hang log keep drive"),
    "off": _set("turn switch take drop set fell cut log get shut"),
    "out": _set("find work ran run go went check log sign get fell left watch come help"),
    "up": _set(
        "hurry give speak broke turn get wake hang pick look sign set shut stand back throwing coming"
    ),
    "down": _set("slow sit shut turn calm break lie put write went lay"),
    "over": _set("move start come turn pull go hand look take"),
    "around": _set("turn look move go"),
    "back": _set("go come call step give get put move ring text"),
    "away": _set("go right throw take put run ran went"),
    "along": _set("come go move get"),
    "through": _set("go gone come went got get"),
}
"""Particles, and the verbs that make a whole with them: `hold on`, `we ran out`."""
CONJUNCTIONS = _set("and or but nor plus versus")
SUBORDINATORS = _set(
    "if when because while although though unless until whether since as once whereas whenever wherever before after "
    "that lest provided"
)
OPENING_SUBORDINATORS = _set(
    "if when because while although though unless until since as once whereas whenever before after every by"
)
WH_WORDS = _set(
    "what which who whom where when why how whatever whoever whichever wherever however"
)
BE = _set("am is are was were be been being")
HAVE = _set("have has had having")
DO = _set("do does did")
MODALS = _set("can could will would shall should may might must ought cannot gonna wanna gotta")
NEGATED = _set(
    "don't doesn't didn't isn't aren't wasn't weren't haven't hasn't hadn't can't couldn't won't wouldn't "
    "shouldn't mustn't needn't ain't"
)
SUBJECT_PRONOUNS = _set("i he she we they")
OBJECT_PRONOUNS = _set(
    "me him us them myself yourself himself herself itself ourselves themselves mine yours hers ours theirs"
)
AMBIGUOUS_PRONOUNS = _set("it you")
INDEFINITE_PRONOUNS = _set(
    "something anything nothing everything someone anyone nobody everyone somebody anybody everybody none one ones"
)
CONTRACTIONS = _set(
    "i'm i've i'd i'll you're you've you'd you'll he's he'd he'll she's she'd she'll it's it'll it'd we're we've we'd "
    "we'll they're they've they'd they'll that's that'll there's there'll here's what's who's where's how's when's "
    "let's who'd what're how're"
)
INTENSIFIERS = _set(
    "very really so too quite rather extremely fairly pretty absolutely completely totally exceedingly so most almost "
    "nearly barely hardly scarcely merely even just only somewhat particularly especially"
)
CLOSING_ADVERBS = _set(
    "now today tomorrow yesterday tonight here there again soon later already yet ago anymore too either instead "
    "anyway please online abroad upstairs downstairs outside inside home afterwards immediately everywhere somewhere "
    "anywhere nowhere elsewhere else together well once twice much enough though away back alone first early late fast "
    "hard ever never always"
)
FILLERS = _set("um uh er erm ah hmm mm eh uhm umm")
OPENERS = _set(
    "so well like okay right actually basically anyway alright look listen see and but or oh yes no sorry then hello hi "
    "yeah"
)
STANDALONE = _set(
    "hello hi hey bye goodbye thanks thank you yes yeah yep yup no nope nah okay ok sure please help stop what sorry "
    "pardon really exactly absolutely certainly definitely correct right perfect great good fine wonderful lovely "
    "nothing none never maybe perhaps probably pass cancel continue repeat wait cheers congratulations agreed indeed "
    "course not of morning night evening afternoon all mm hmm mhm uh huh louder quieter faster slower higher lower next "
    "back undo skip pause check halt forward left up down enough understood fine agreed double same okay"
)
"""Words that make a whole turn of one or a few: `hello`, `no thank you`, `good morning`."""
WHOLE_WORDS = _set(
    "stop cancel help hello hi hey bye goodbye thanks repeat continue pause resume undo next back again louder quieter "
    "faster slower enough exactly correct absolutely definitely certainly precisely nothing none both neither never "
    "later tomorrow today operator agent yes yeah yep no nope okay sure great perfect pardon"
)
"""Words that are often all that is said."""
NUMBER_WORDS = _set(
    "zero oh one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen "
    "seventeen eighteen nineteen twenty thirty forty fifty sixty seventy eighty ninety hundred thousand million"
)
ORDINALS = _set(
    "first second third fourth fifth sixth seventh eighth ninth tenth eleventh twelfth thirteenth fourteenth fifteenth "
    "sixteenth seventeenth eighteenth nineteenth twentieth thirtieth"
)
TITLES = _set("mister mr mrs miss ms doctor dr sir saint st professor captain aunt uncle")
COMPARATIVES = _set(
    "more less better worse bigger smaller larger higher lower older younger faster slower taller shorter longer "
    "cheaper nicer easier harder sooner later earlier greater fewer stronger happier richer closer further rather"
)
OBJECT_VERBS = _set(
    "need want like book order bring give make take buy get find put send show have see tell ask use check change "
    "cancel add remove turn set open close reset lose lost bought got found made took gave brought needs wants likes "
    "likes had has booked ordered sent said saw pick drop move place grab hold carry keep leave call pay charge cover "
    "contain contained include includes confirm update reach raise lower increase prefer recommend suggest report "
    "replace install received receive refuse resolve spread wear wore visit meet met reserve schedule hand pass lift "
    "press push pull mean means"
)
"""Verbs that want an object, so that the phrase is rarely over at them."""
COMPLEMENT_VERBS = _set(
    "seem seems seemed look looks looked become became feel feels felt sound sounds sounded stay stays stayed remain "
    "remained get got grow grew turn turned try trying going want wanted need needed used supposed able about start "
    "started stop keep kept begin began happen happened think thought wonder wondering hope guess suppose believe know "
    "knew say said says tell told mean afraid sure glad happy obliged determined"
)
"""Words that want a predicate, an infinitive or a clause after them."""
COMMON_VERBS = (
    _set(
        "go come let help work know think say see look run walk sit stand stop start play talk speak write read eat drink "
        "sleep wait stay live die happen listen follow watch drive fly travel swim cook clean fix arrive return begin end "
        "finish sing dance smoke pray cry laugh smile fall fell went came left ran sat stood knew thought told spoke ate "
        "drank slept waited stayed lived died happened listened followed watched drove flew wrote heard hear lies lay goes "
        "comes works looks runs says knows thinks seems helps try tried trying pick turn worry explain repeat spell "
        "remember remind forget forgot agree join sign switch pull dim mute snooze scan count rotate halt land hover climb"
    )
    | OBJECT_VERBS
    | COMPLEMENT_VERBS
)
ADJECTIVES = _set(
    "new old good bad big small large little long short high low great young early late hot cold warm cool red blue "
    "green yellow black white brown grey gray dark light bright heavy easy hard soft loud quiet fast slow cheap rich "
    "poor full empty open free busy nice kind ill sick dead alive same other last next own main whole entire certain "
    "different similar double single extra fresh dry wet clean dirty sharp thick thin wide narrow deep tall near far "
    "left right upper central local public private real true false wrong sure able ready happy sad angry tired hungry "
    "strange funny strong weak safe modern ancient former latter recent current previous following final total direct "
    "nearest best worst biggest smallest largest cheapest fastest oldest latest better worse bigger smaller larger "
    "cheaper older younger longer shorter higher lower nicer medium tiny huge enormous wooden golden digital electric "
    "northern southern eastern western american british french german spanish italian"
)
ATTRIBUTIVE_ONLY = _set(
    "main entire former latter own upper sole mere utter very northern southern eastern western only elder same next "
    "nearest other whole current previous following total local direct central double single extra wooden electric"
)
"""Adjectives after which a noun has to come."""
MONTHS = _set(
    "january february march april may june july august september october november december"
)
WEEKDAYS = _set("monday tuesday wednesday thursday friday saturday sunday")
