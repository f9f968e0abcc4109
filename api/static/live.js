// The page: places from /v1/zones, numbers from the feed. A number is never shown while it may be old.
import { Arrival, likelihood, percent } from "/static/arrival.js";
import { Feed } from "/static/feed.js";
import { CityMap, level } from "/static/map.js";
import { WORDS, fill } from "/static/words.js";

const BLANK_MS = 15_000;
const COLUMNS = ["free", "occupied", "unknown", "closed", "capacity"];
const element = (id) => document.getElementById(id);

let language = localStorage.getItem("language") === "cy" ? "cy" : "en";
let places = new Map(); // id -> place, all areas
let area = null;
let zones = new Map(); // id -> the newest answer
let rows = new Map(); // id -> {row, cells}
let feed = null;
let connected = false;
let lostAt = performance.now();
let stale = false;
let clockAhead = 0; // ms that the server's clock is ahead of ours

const word = (name) => WORDS[language][name];
const shown = () => connected || (zones.size > 0 && performance.now() - lostAt < BLANK_MS);
const city = new CityMap(element("shapes"), pick);
const arrival = new Arrival(paintAll);

async function loadPlaces() {
  const found = new Map();
  let after = null;
  do {
    const answer = await fetch(`/v1/zones?limit=1000${after ? `&after=${after}` : ""}`);
    if (!answer.ok) throw new Error(`zones: ${answer.status}`);
    clockAhead = Date.parse(answer.headers.get("date")) - Date.now() || 0;
    const page = await answer.json();
    for (const zone of page.zones) found.set(zone.id, zone);
    after = page.next;
  } while (after);
  places = found;
  showAreas();
  build();
}

function showAreas() {
  const sizes = new Map();
  for (const place of places.values()) sizes.set(place.area, (sizes.get(place.area) ?? 0) + 1);
  const areas = [...sizes.keys()].sort();
  if (!sizes.has(area)) area = areas.sort((a, b) => sizes.get(b) - sizes.get(a))[0] ?? null;
  element("area").replaceChildren(...areas.sort().map((id) => new Option(id, id, false, id === area)));
  element("area-choice").hidden = areas.length < 2;
}

function inArea() {
  const chosen = [...places.values()].filter((place) => place.area === area);
  return chosen.sort((a, b) => a.name[language].localeCompare(b.name[language], language));
}

function build() {
  const here = inArea();
  rows = new Map();
  for (const place of here) {
    const row = document.createElement("tr");
    row.id = `zone-${place.id}`;
    const head = document.createElement("th");
    head.scope = "row";
    const kind = document.createElement("td");
    const cells = Object.fromEntries([...COLUMNS, "age"].map((name) => [name, document.createElement("td")]));
    for (const cell of Object.values(cells)) cell.className = "number";
    cells.expected = document.createElement("td");
    cells.expected.className = "expected-only";
    row.append(head, kind, ...Object.values(cells));
    rows.set(place.id, { row, head, kind, cells, place });
  }
  element("rows").replaceChildren(...[...rows.values()].map((one) => one.row));
  if (here.length) city.draw(here);
  paintAll();
  search();
}

function paint(id) {
  const found = rows.get(id);
  if (!found) return;
  const zone = zones.get(id);
  const known = shown() && zone;
  const name = known ? level(zone) : "unknown";
  const { row, head, kind, cells, place } = found;
  head.textContent = place.name[language];
  kind.textContent = word(place.kind);
  // A place that is closed or not for these drivers has no numbers for them, and "0" would be one.
  const reserved = known && (name === "other" || name === "closed");
  for (const column of COLUMNS) cells[column].textContent = known && !reserved ? zone.usable[column] : "";
  if (reserved) cells.free.textContent = name === "closed" ? word("closed") : "–";
  paintAge(found, zone);
  if (arrival.minutes > 0) return paintExpected(id, found);
  row.className = name;
  row.title = word(name);
  const numbers = known && !reserved ? `: ${zone.usable.free} ${word("free").toLowerCase()}` : "";
  city.paint(id, name, `${place.name[language]}${numbers} (${word(name)})`);
}

// What is modelled has colours, dashes and words of its own, so that nobody takes it for live.
function paintExpected(id, { row, cells, place }) {
  const forecast = arrival.forecasts.get(id);
  const name = likelihood(forecast);
  const words = ["unknown", "closed", "other"].includes(name)
    ? word(name)
    : fill(word("chance"), { percent: percent(forecast.p_any), source: word(forecast.source) });
  cells.expected.textContent = words;
  row.className = `expected ${name}`;
  row.title = word(name);
  const when = fill(word("min"), { n: arrival.minutes });
  city.paint(id, `expected ${name}`, `${place.name[language]}, ${word("on_arrival").toLowerCase()}, ${when}: ${words}`);
}

function paintAge({ cells }, zone) {
  // What is closed as a whole is known beforehand: it has no news that could be old.
  cells.age.textContent = shown() && zone && zone.closed < zone.capacity ? age(zone.as_of) : "";
}

function age(asOf) {
  if (asOf === null) return word("never");
  const s = Math.max(0, Math.round((Date.now() + clockAhead - Date.parse(asOf)) / 1000));
  const [unit, n] = s < 100 ? ["s", s] : s < 6000 ? ["min", s / 60] : s < 172_800 ? ["h", s / 3600] : ["d", s / 86_400];
  return fill(word(unit), { n: Math.round(n) });
}

function paintAll() {
  for (const id of rows.keys()) paint(id);
  paintStatus();
}

function paintStatus() {
  const name = connected ? (stale ? "late" : "live") : shown() ? "broken" : zones.size ? "lost" : "connecting";
  const status = element("status");
  if (status.dataset.word !== name || status.textContent !== word(name)) {
    status.dataset.word = name;
    status.className = name;
    status.textContent = word(name);
  }
  document.body.classList.toggle("blank", !shown());
  document.body.classList.toggle("arriving", arrival.minutes > 0);
  const expected = element("expected");
  expected.hidden = arrival.minutes === 0;
  const says = fill(word({ asking: "asking", told: "told", lost: "no_forecast" }[arrival.state]), { n: arrival.minutes });
  if (expected.textContent !== says) expected.textContent = says;
  const sums = { free: 0, bays: 0, unknown: 0 };
  for (const id of rows.keys()) {
    const bays = zones.get(id)?.usable;
    if (!bays) continue;
    sums.free += bays.free;
    sums.bays += bays.capacity;
    sums.unknown += bays.unknown;
  }
  element("total").textContent = shown() && zones.size ? fill(word("total"), sums) : "";
}

function search() {
  const wanted = element("search").value.trim().toLowerCase();
  for (const [id, { row, place }] of rows) {
    const found = Object.values(place.name).some((name) => name.toLowerCase().includes(wanted));
    row.hidden = !found;
    city.show(id, found);
  }
}

function pick(id) {
  const found = rows.get(id);
  for (const { row } of rows.values()) row.classList.remove("picked");
  found.row.hidden = false;
  paint(id);
  found.row.classList.add("picked");
  found.row.scrollIntoView({ block: "center" });
}

function speak() {
  document.documentElement.lang = language;
  document.title = word("title");
  for (const one of document.querySelectorAll("[data-word]")) one.textContent = word(one.dataset.word);
  element("map-title").textContent = word("map");
  const other = element("language");
  other.textContent = language === "en" ? "Cymraeg" : "English";
  other.lang = language === "en" ? "cy" : "en";
  for (const option of element("arrive").options) {
    if (option.value > 0) option.textContent = fill(word("min"), { n: option.value });
  }
  build();
}

function follow() {
  feed?.stop();
  zones = new Map();
  arrive();
  feed = new Feed({ area, for: element("for").value }, {
    snapshot(all) {
      zones = new Map(all.map((zone) => [zone.id, zone]));
      const strange = all.some((zone) => !places.has(zone.id)) || [...rows.keys()].some((id) => !zones.has(id));
      if (strange) loadPlaces().catch(() => {});
      paintAll();
    },
    delta(changed) {
      for (const zone of changed) zones.set(zone.id, zone);
      if (connected) for (const zone of changed) paint(zone.id);
    },
    found() {
      if (connected) return paintStatus();
      connected = true;
      paintAll();
    },
    lost(since) {
      if (connected) lostAt = since;
      connected = false;
      paintAll();
    },
    stale(now) {
      stale = now;
    },
  });
}

function arrive() {
  arrival.ask({ area, for: element("for").value }, Number(element("arrive").value));
  paintAll();
}

async function start() {
  speak();
  for (let pause = 500; ; pause = Math.min(pause * 2, 10_000)) {
    try {
      await loadPlaces();
      if (area !== null) break;
    } catch {
      // The server is not there yet: the status says so.
    }
    await new Promise((resolve) => setTimeout(resolve, pause));
  }
  follow();
}

element("language").addEventListener("click", () => {
  language = language === "en" ? "cy" : "en";
  localStorage.setItem("language", language);
  speak();
});
element("search").addEventListener("input", search);
element("for").addEventListener("change", follow);
element("arrive").addEventListener("change", () => area !== null && arrive());
element("area").addEventListener("change", (event) => {
  area = event.target.value;
  build();
  follow();
});
setInterval(() => {
  if (!shown() && !document.body.classList.contains("blank")) paintAll();
  for (const [id, one] of rows) paintAge(one, zones.get(id));
  paintStatus();
}, 1000);
start();
