// What to expect on arrival, asked of /v1/availability again and again: modelled, never live, and dropped when it is old.
const EVERY_MS = 30_000; // forecasts are issued every minute
const OLD_MS = 90_000;
const LATE_MS = 10_000; // a server that takes the question and says nothing is asked again

export function likelihood(forecast) {
  if (!forecast) return "unknown";
  if (forecast.closed) return "closed";
  if (forecast.usable_capacity === 0) return "other";
  if (forecast.p_any === null) return "unknown";
  return forecast.p_any >= 0.8 ? "likely" : forecast.p_any >= 0.4 ? "possible" : "unlikely";
}

export function percent(chance) {
  return Math.min(99, Math.max(1, Math.round(chance * 100))); // no forecast is certain
}

export class Arrival {
  // changed() is called whenever there is something else to show
  constructor(changed) {
    this.changed = changed;
    this.ask({}, 0);
  }

  // Ask for an arrival in so many minutes from now on; 0: ask no more.
  ask(query, minutes) {
    clearTimeout(this.again);
    clearTimeout(this.old);
    this.asking?.abort();
    this.minutes = minutes;
    this.query = new URLSearchParams({ ...query, arrive_in: minutes });
    this.forecasts = new Map(); // id -> forecast
    this.state = "asking"; // or told, or lost
    if (minutes > 0) this.next();
  }

  async next() {
    const asking = (this.asking = new AbortController());
    let told = null;
    try {
      const answer = await fetch(`/v1/availability?${this.query}`, {
        signal: AbortSignal.any([asking.signal, AbortSignal.timeout(LATE_MS)]),
      });
      if (answer.ok) told = (await answer.json()).zones;
    } catch {
      // Not there now: it is asked again, and what was told is old at last.
    }
    if (asking.signal.aborted) return;
    this.again = setTimeout(() => this.next(), EVERY_MS);
    if (told !== null) {
      this.forecasts = new Map(told.map((zone) => [zone.id, zone.forecast]));
      this.state = "told";
      clearTimeout(this.old);
      this.old = setTimeout(() => this.drop(), OLD_MS);
    } else if (this.state === "asking") {
      this.state = "lost";
    }
    this.changed();
  }

  drop() {
    this.forecasts = new Map();
    this.state = "lost";
    this.changed();
  }
}
