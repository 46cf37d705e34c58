"""Invented names: no person, firm or place in here exists. Domains are reserved (RFC 2606), numbers are Ofcom's for drama."""

from __future__ import annotations

OWN_DOMAIN = "harbourlight.test"
CITIES = (
    *("Ashmere", "Brindleford", "Caldwick", "Dunmarrow", "Eastholt", "Fernsby", "Gorsewell", "Hallowdene", "Inkberrow Vale"),
    *("Kestrelby", "Larkhaven", "Mossgate", "Netherwold", "Oakenshaw Mill", "Pellworth", "Quarrington", "Rushford", "Thornsea"),
)
PLANS = ("Starter", "Team", "Business", "Enterprise", "Charity")
TIERS = ("bronze", "silver", "gold", "platinum")
FIRST_NAMES = (
    *("Ada", "Bram", "Cleo", "Dario", "Edda", "Fenn", "Greta", "Hugo", "Ines", "Joss", "Kaia", "Lorne", "Maud", "Nico", "Orla"),
    *("Piers", "Quilla", "Rafe", "Saskia", "Tobin", "Una", "Viggo", "Wren", "Xanthe", "Yorick", "Zelda"),
)
LAST_NAMES = (
    *("Abernook", "Birchall-Fey", "Crowhurst", "Dellamere", "Elderkin", "Fothergale", "Grimsditch", "Hathersage", "Ivorson"),
    *("Jessamy", "Kettlewick", "Lindqvale", "Marchbanke", "Nightingate", "Oxentry", "Penhallion", "Quickfall", "Ravensome"),
    *("Stormont-Lea", "Tanglewood", "Underhay", "Vellacourt", "Wintersham", "Yarrowby"),
)
FIRM_FIRST = (
    *("Amberline", "Bluefinch", "Copperleaf", "Driftwood", "Evergate", "Foxglove", "Granary", "Hollowtree", "Ironbridge Lane"),
    *("Juniper", "Kingfisher Row", "Lanternhill", "Millpond", "Northlight", "Orchard End", "Pebblewick", "Quayside", "Redkite"),
    *("Saltmarsh", "Teasel", "Umberfield", "Violet Court", "Whitethorn", "Yewbank"),
)
FIRM_SECOND = (
    "Bakery",
    "Dental",
    "Joinery",
    "Logistics",
    "Opticians",
    "Physio",
    "Print",
    "Roofing",
    "Vets",
    "Wines",
    "Lettings",
)
TEAMS = ("Support", "Billing", "Networks", "Sales", "Platform", "Research")
STAFF = (
    *(
        "Mira Tallow",
        "Osric Penn",
        "Delphine Marsh",
        "Kit Hollander",
        "Bea Rookwood",
        "Anselm Grey",
        "Petra Vance",
        "Rowan Ashdown",
    ),
    *("Lucian Frost", "Imogen Slate", "Casper Dunne", "Noor Whitlock", "Tamsin Oakes", "Evander Pike"),
)
SUBJECTS = (
    *("handset will not register", "crackling on outbound calls", "voicemail greeting lost", "invoice shows the wrong address"),
    *(
        "cannot log in to the portal",
        "calls drop after thirty seconds",
        "new starter needs an extension",
        "fax line keeps ringing",
    ),
    *("call recording is missing", "conference bridge is full", "wrong caller name displayed", "holiday message still playing"),
    *("headset stopped working", "door phone does not open", "queue music too loud", "slow transfer between sites"),
)
DEVICES = ("Aria 210", "Aria 340", "Bellwether Duo", "Cantor Desk 7", "Cantor Desk 9", "Dovetail Base", "Echoline Mini")
PACKAGES = (
    *("acorn-router", "brasswire", "cinderlog", "dustpan-cli", "elmtree-orm", "flintparse", "gridlock-queue", "hedgehog-auth"),
    *("inkwell-pdf", "jackdaw-http", "kelpcache", "lintelcheck", "mothlight-ui", "nettle-yaml", "owlstamp", "pinecone-csv"),
    *("quillmark", "rooksync", "siltstore", "thimble-test", "umbra-crypto", "vetchgraph", "wickerform", "yarrow-metrics"),
)
REPOSITORIES = ("billing-portal", "call-router", "customer-api", "fax-bridge", "number-porting", "status-page", "voicemail-web")
LICENCES = ("MIT", "Apache-2.0", "BSD-3-Clause", "MPL-2.0", "ISC", "LGPL-3.0")
PAPER_TOPICS = (
    *("tide forecasting", "hedgerow mapping", "speech denoising", "invoice matching", "queue prediction", "dialect tagging"),
    *("leak detection", "map labelling", "bird song retrieval", "handover planning", "battery ageing", "noise budgeting"),
)
PAPER_WAYS = (
    "with sparse sensors",
    "from weak labels",
    "under drift",
    "by contrastive pairs",
    "at the edge",
    "without timestamps",
)
VENUES = ("Ashmere Workshop", "J. Applied Signals", "Larkhaven Symposium", "Proc. SigNet", "Thornsea Letters", "Open Methods")
DATASETS = ("Brackwater-12", "FieldNotes-2k", "HarbourSpeech", "LanternDocs", "MoorCalls", "PebbleBench", "TidalSet")
SERVICES = (
    *(
        "address-book",
        "billing-api",
        "call-router",
        "directory",
        "edge-proxy",
        "fax-bridge",
        "login",
        "media-relay",
        "number-lookup",
    ),
    *(
        "payments",
        "porting-desk",
        "provisioning",
        "recordings",
        "reports",
        "search",
        "sip-registrar",
        "status-page",
        "voicemail",
    ),
)
CARRIERS = ("Northwave", "Pennine Voice", "Sealink Telecom", "Tarn Networks", "Wharfside Carrier")
CODECS = ("G.711a", "G.722", "G.729", "Opus")
SITES = (
    "Ashmere depot",
    "Caldwick office",
    "Eastholt clinic",
    "Fernsby warehouse",
    "Kestrelby shop",
    "Mossgate studio",
    "Rushford hall",
)
SUPPLIERS = (
    "Bellwether Devices",
    "Cantor Supply",
    "Dovetail Components",
    "Echoline Direct",
    "Gorse & Finch Cabling",
    "Tarn Racks",
)
GOODS = (
    "headsets",
    "desk phones",
    "patch panels",
    "door phones",
    "PoE switches",
    "conference bars",
    "rack shelves",
    "cordless bases",
)


def slug(text: str) -> str:
    """Return a name as it stands in an address: `Violet Court Dental` gives `violet-court-dental`."""
    return "-".join("".join(c if c.isalnum() else " " for c in text.lower()).split())


def work_address(person: str) -> str:
    """Return the address of one of our own people."""
    return f"{slug(person).replace('-', '.')}@{OWN_DOMAIN}"
