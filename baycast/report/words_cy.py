"""The report in Welsh.

What is filled in stands behind a colon and not behind a preposition, so that it never needs a mutation.
"""

from __future__ import annotations

from baycast.report import words_forecasts
from baycast.report.month import Standing
from baycast.report.words import PlotWords, SectionWords, Words
from occupancy.maintenance import DefectKind
from occupancy.model import SuspicionKind

_NO_EVIDENCE = "nid yw'n dystiolaeth o dramgwydd"
_PERCENTILE = "yr hyd nad yw {share}% o'r arosiadau yn hwy nag ef, yn gymesur rhwng dau arhosiad"

WELSH = Words(
    code="cy",
    months=(
        "Ionawr",
        "Chwefror",
        "Mawrth",
        "Ebrill",
        "Mai",
        "Mehefin",
        "Gorffennaf",
        "Awst",
        "Medi",
        "Hydref",
        "Tachwedd",
        "Rhagfyr",
    ),
    weekdays=(
        "Dydd Llun",
        "Dydd Mawrth",
        "Dydd Mercher",
        "Dydd Iau",
        "Dydd Gwener",
        "Dydd Sadwrn",
        "Dydd Sul",
    ),
    weekdays_short=("Llun", "Maw", "Mer", "Iau", "Gwe", "Sad", "Sul"),
    weekday_initials=("Ll", "M", "M", "I", "G", "S", "S"),
    title="Adroddiad parcio: {area}, {month}",
    standing={
        Standing.AHEAD: "Nid yw'r mis hwn wedi dechrau: nid oes ffigurau eto.",
        Standing.EMPTY: "Nid oes hanes ar gyfer y mis hwn.",
        Standing.RUNNING: "Nid yw'r mis ar ben. Gall y ffigurau newid eto. Maent yn cyrraedd hyd at: {time}.",
        Standing.PROVISIONAL: "Gall rhai o oriau'r mis hwn newid eto.",
        Standing.FINAL: "Mae pob awr o'r mis hwn yn derfynol.",
    },
    badge={
        Standing.AHEAD: "Dim ffigurau",
        Standing.EMPTY: "Dim ffigurau",
        Standing.RUNNING: "Dros dro",
        Standing.PROVISIONAL: "Dros dro",
        Standing.FINAL: "Terfynol",
    },
    as_of="Yn gywir ar: {time}.",
    time="{day} {month} {year}, {clock}",
    no_history_at_all="Nid oes hanes o'r ardal hon eto.",
    missing={
        "coverage": "arsylwyd rhy ychydig",
        "few": "3 neu lai",
        "none": "dim i'w gyfrif",
        "hidden": "nis dangosir",
        "history": "dim hanes",
    },
    made_by="Gwnaed gan baycast {version} o'i gofnodion. Amser lleol yw pob amser ({time_zone}).",
    brief=SectionWords(
        heading="Y mis yn gryno",
        says="Strydoedd a meysydd parcio gyda'i gilydd. Y cwmpas yw'r gyfran o amser y cilfachau a arsylwyd. Lle mae'n "
        "is na {share}, dangosir llinell yn lle ffigur. Ni ddangosir niferoedd o 3 cerbyd neu lai. Fesul "
        "diwrnod ac yn ôl hyd, ni ddangosir y lleiaf o'r lleill ychwaith, gan y gellid eu cyfrifo ohono.",
    ),
    compared="Cymhariaeth: {stretch}.",
    compared_note="Nid yw pob mis yr un hyd: cymerwch ofal wrth gymharu niferoedd.",
    observed="cwmpas {share}",
    against_before="{change} ers y mis blaenorol",
    figure="Ffigur",
    unit="Uned",
    this_month="Y mis hwn",
    month_before="Y mis blaenorol",
    change="Newid",
    coverage="Cwmpas",
    points="pwynt",
    brief_table="Ffigurau'r mis wrth ymyl rhai'r mis blaenorol",
    full=SectionWords(heading="Pryd mae'r cilfachau'n llawn"),
    heat_map=PlotWords(
        heading="Defnydd fesul awr o'r wythnos",
        says="Canran yr amser cilfach a arsylwyd a oedd mewn defnydd, fesul awr leol. Po dywyllaf, llawnaf.",
        x="Awr o'r dydd",
        y="Defnydd, %",
    ),
    typical_day=PlotWords(
        heading="Defnydd ar ddiwrnod arferol",
        says="Cymedr dros ddyddiau'r mis. Mae dydd Llun i ddydd Gwener heb wyliau banc.",
        x="Awr o'r dydd",
        y="Defnydd, %",
    ),
    by_day=PlotWords(
        heading="Defnydd fesul diwrnod",
        says="Pob diwrnod o'r mis, pob awr. Mae'r penwythnosau wedi'u tywyllu.",
        x="Diwrnod o'r mis",
        y="Defnydd, %",
    ),
    hour="Awr",
    day="Diwrnod",
    kinds_of_day=("Dydd Llun i ddydd Gwener", "Dydd Sadwrn", "Dydd Sul"),
    extremes="Uchaf: {highest}. Isaf: {lowest}.",
    no_extremes="Nid oes ffigurau i'w dangos.",
    as_table="Y ffigurau mewn tabl",
    lengths=SectionWords(
        heading="Am ba hyd mae cerbydau'n aros",
        says="Dim ond arosiadau y mae eu dechrau a'u diwedd yn hysbys. Ni welir arosiadau unigol mewn meysydd parcio.",
    ),
    histogram=PlotWords(
        heading="Arosiadau yn ôl eu hyd",
        says="Faint o arosiadau a ddaeth i ben yn y mis hwn, yn ôl eu hyd. Mae pob dosbarth yn dechrau lle mae'r un "
        "blaenorol yn gorffen.",
        x="Hyd yr arhosiad, hyd at",
        y="Arosiadau",
    ),
    minutes_short="{n} mun",
    hours_short="{n} awr",
    up_to="hyd at {length}",
    over="dros {length}",
    turns=SectionWords(
        heading="Trosiant ac arosiadau dros y terfyn",
        says="Arhosiad dros y terfyn yw arhosiad sy'n hwy na'r terfyn mewn grym. Nid yw'n dystiolaeth o dramgwydd: "
        "nid yw'r un synhwyrydd yn gweld trwydded, bathodyn na thaliad.",
    ),
    arrivals=PlotWords(
        heading="Cerbydau'n cyrraedd fesul diwrnod",
        says="Cerbydau a ddaeth. Mewn meysydd parcio, llif net: isafswm.",
        x="Diwrnod o'r mis",
        y="Cerbydau'n cyrraedd",
    ),
    overstays=PlotWords(
        heading="Arosiadau dros y terfyn fesul diwrnod",
        says="Rhai posibl, a'r rhai o'u plith y mae ail air y synhwyrydd yn eu cadarnhau. "
        f"{_NO_EVIDENCE.capitalize()}.",
        x="Diwrnod o'r mis",
        y="Dros y terfyn",
    ),
    candidates="Posibl",
    confirmed="Wedi'u cadarnhau",
    seen=SectionWords(
        heading="Yr hyn a arsylwyd",
        says="Mae'r hyn na ddywedodd neb yn cyfrif fel anhysbys: distawrwydd, toriadau, a synwyryddion na ellir eu "
        "credu.",
    ),
    coverage_by_day=PlotWords(
        heading="Cwmpas fesul diwrnod",
        says="Cyfran yr amser cilfach agored a arsylwyd. O dan y llinell, ni roddir ffigurau.",
        x="Diwrnod o'r mis",
        y="Cwmpas, %",
    ),
    coverage_by_place=PlotWords(
        heading="Strydoedd a meysydd parcio yn ôl eu cwmpas",
        says="Faint o leoedd a arsylwyd, a pha mor dda. Mae cwmpas pob lle yn y tablau isod.",
        x="Cwmpas, %",
        y="Lleoedd",
    ),
    threshold="{share}: isafswm ar gyfer ffigur",
    places="Lleoedd",
    unknown_hours="Anhysbys, oriau cilfach",
    closed_hours="Ar gau, oriau cilfach",
    sensors=SectionWords(
        heading="Synwyryddion i'w trwsio gyntaf",
        says="Fel y maent nawr, nid yn ystod y mis: {time}. Daw'r hyn sy'n cuddio cilfach yn gyntaf.",
    ),
    sensors_table="Synwyryddion â rhywbeth o'i le, y gwaethaf yn gyntaf",
    sensors_more="Synwyryddion â rhywbeth o'i le: {wrong} o {all}; dangosir: {shown}.",
    sensors_well="Nid oes dim o'i le ar unrhyw synhwyrydd. Synwyryddion: {all}.",
    sensors_none="Nid oes synhwyrydd cilfach wedi'i gofrestru, neu ni chlywyd yr un eto.",
    sensor="Synhwyrydd",
    bay="Cilfach",
    wrong="Beth sydd o'i le",
    no_bay="dim cilfach",
    defects={
        DefectKind.SUSPECT: "heb ei gredu ers {since}: {about}",
        DefectKind.NEVER_HEARD: "heb ei glywed erioed",
        DefectKind.CUT_OFF: "wedi'i dorri i ffwrdd gyda'i grŵp; nid oes bai arno",
        DefectKind.SILENT: "yn ddistaw ers {since}",
        DefectKind.CONTRADICTED: "pobl ar y stryd wedi gweld yn wahanol: {about}",
        DefectKind.FAULTS: "yn adrodd am nam: {about}",
        DefectKind.BATTERY: "batri: {about} mV",
        DefectKind.MISSING: "negeseuon ar goll: mae {about} o'i negeseuon yn dilyn un sydd ar goll",
    },
    suspicions={
        SuspicionKind.IMPLAUSIBLE: "mae ei gyflwr yn para'n annhebygol o hir",
        SuspicionKind.CHATTER: "mae'n newid yn rhy aml",
        SuspicionKind.CROSSTALK: "mae'n adleisio cymydog",
        SuspicionKind.DRIFT: "mae wedi drifftio o'r hyn sy'n arferol yno",
    },
    streets=SectionWords(heading="Strydoedd"),
    car_parks=SectionWords(
        heading="Meysydd parcio",
        says="Fe'u cyfrifir wrth eu gatiau: llif net, sef isafswm, yw'r cerbydau sy'n cyrraedd, ac ni welir arosiadau "
        "unigol.",
    ),
    street="Stryd",
    car_park="Maes parcio",
    places_table="{places} dros y mis cyfan, yn ôl eu henwau",
    full_hours="Amser yn llawn, oriau",
    no_longer_registered="nid yw ar y gofrestr mwyach",
    forecasts=words_forecasts.WELSH,
    final=SectionWords(
        heading="Dros dro a therfynol",
        says="Daw awr yn derfynol {hours} awr ar ôl iddi ddod i ben. Dim ond drwy ddiwygiad y mae awr derfynol yn "
        "newid, a chedwir yr hyn a ddywedodd o'r blaen.",
    ),
    final_to="Terfynol hyd at",
    never_final="nid oes dim yn derfynol eto",
    hours_of_history="Oriau â hanes",
    revisions="Diwygiadau i oriau'r mis hwn",
    definitions=SectionWords(
        heading="Diffiniadau",
        says="Mae'r fformiwlâu yn defnyddio enwau'r ffigurau yn y rhyngwyneb rhaglennu.",
    ),
    definitions_table="Pob ffigur, ei uned a'i fformiwla",
    formula="Fformiwla",
    figures={
        "in_service_min": "Amser cilfach mewn gwasanaeth",
        "occupied_min": "Amser cilfach mewn defnydd",
        "free_min": "Amser cilfach yn rhydd",
        "unknown_min": "Amser cilfach yn anhysbys",
        "closed_min": "Amser cilfach ar gau",
        "occupancy_pct": "Defnydd",
        "peak_occupied": "Y nifer fwyaf o gilfachau mewn defnydd ar unwaith",
        "some_free_pct": "Amser â chilfach rydd",
        "full_min": "Amser yn llawn",
        "arrivals": "Cerbydau'n cyrraedd",
        "departures": "Cerbydau'n gadael",
        "turnover": "Trosiant",
        "arrivals_per_hour": "Cerbydau'n cyrraedd bob awr",
        "stays": "Arosiadau",
        "censored_stays": "Arosiadau â dechrau neu ddiwedd anhysbys",
        "mean_stay_min": "Cymedr yr arosiadau",
        "median_stay_min": "Canolrif yr arosiadau",
        "p85_stay_min": "Canradd 85 yr arosiadau",
        "p95_stay_min": "Canradd 95 yr arosiadau",
        "overstay_candidates": "Arosiadau dros y terfyn: posibl",
        "overstays_confirmed": "Arosiadau dros y terfyn: wedi'u cadarnhau",
        "over_min": "Amser dros y terfyn",
    },
    units={
        "bay-minutes": "munudau cilfach",
        "%": "%",
        "bays": "cilfachau",
        "minutes": "munudau",
        "stays": "arosiadau",
        "stays per bay and hour": "arosiadau fesul cilfach bob awr",
        "stays per hour": "arosiadau bob awr",
    },
    formulas={
        "in_service_min": "swm, dros amser, yr holl gilfachau mewn gwasanaeth, ar agor neu ar gau",
        "occupied_min": "swm, dros amser, y cilfachau y gwyddys eu bod mewn defnydd",
        "free_min": "swm, dros amser, y cilfachau y gwyddys eu bod yn rhydd",
        "unknown_min": "swm, dros amser, y cilfachau agored nad oedd dim yn hysbys amdanynt, neu na ellid credu eu "
        "synhwyrydd",
        "closed_min": "swm, dros amser, y cilfachau a gaewyd gan reol mewn grym, gan oriau agor neu gan orchymyn "
        "gweithredwr",
        "occupancy_pct": "100 x occupied_min / (occupied_min + free_min): o'r amser cilfach a arsylwyd",
        "peak_occupied": "y cymedr uchaf, dros bum munud, o gilfachau y gwyddys eu bod mewn defnydd",
        "some_free_pct": "100 x amser â chilfach ddefnyddiadwy y gwyddys ei bod yn rhydd / (yr amser hwnnw + amser pan "
        "wyddys bod pob cilfach ddefnyddiadwy wedi'i chymryd); os oes sawl stryd, y swm drostynt; defnyddiadwy: ar "
        "agor i yrwyr cyffredinol, neu, ar gyfer math o gilfach, i yrwyr y math hwnnw",
        "full_min": "amser pan wyddys bod pob cilfach ddefnyddiadwy wedi'i chymryd; os oes sawl stryd, y swm drostynt",
        "arrivals": "arosiadau a ddechreuodd, a'r cyrraedd wedi'i arsylwi neu ei gyfrifo; mewn maes parcio llif net: "
        "isafswm",
        "departures": "arosiadau a ddaeth i ben, a'r gadael wedi'i arsylwi neu ei gyfrifo",
        "turnover": "arrivals / oriau cilfach a arsylwyd, sef mewn defnydd neu'n rhydd",
        "arrivals_per_hour": "arrivals / oriau'r cyfnod, o'r rhai y gofynnwyd amdanynt",
        "stays": "arosiadau a ddaeth i ben ac y mae eu dechrau a'u diwedd yn hysbys",
        "censored_stays": "arosiadau a ddaeth i ben ac nad yw eu dechrau neu eu diwedd yn hysbys: toriad, neu air "
        "cyntaf neu olaf synhwyrydd",
        "mean_stay_min": "swm yr hydoedd, pob un wedi'i dorri i eiliadau cyfan, / stays",
        "median_stay_min": _PERCENTILE.format(share=50),
        "p85_stay_min": _PERCENTILE.format(share=85),
        "p95_stay_min": _PERCENTILE.format(share=95),
        "overstay_candidates": f"arosiadau y daeth eu terfyn a'u cyfnod gras i ben; {_NO_EVIDENCE}",
        "overstays_confirmed": "o'r rhain, y rhai y mae ail air y synhwyrydd yn dweud hynny amdanynt; "
        f"{_NO_EVIDENCE}",
        "over_min": f"amser y tu hwnt i'r terfyn mewn grym, o'r rhai a ddaeth i ben; {_NO_EVIDENCE}",
    },
)
