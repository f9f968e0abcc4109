// Draws the zones of one area: lines for streets, squares or outlines for car parks, coloured by free share.
const SVG = "http://www.w3.org/2000/svg";
const WIDTH = 1000;
const HEIGHT = 640;
const MARGIN = 30;

export function level(zone) {
  const bays = zone.usable;
  if (bays.capacity === 0) return zone.capacity > 0 && zone.closed === zone.capacity ? "closed" : "other";
  if (bays.closed === bays.capacity) return "closed";
  const known = bays.free + bays.occupied;
  if (known === 0 || (bays.free === 0 && bays.unknown > 0)) return "unknown";
  if (bays.free === 0) return "none";
  const share = bays.free / (bays.capacity - bays.closed);
  return share > 0.3 ? "many" : share > 0.1 ? "some" : "few";
}

export class CityMap {
  constructor(group, onPick) {
    this.group = group;
    this.onPick = onPick;
    this.shapes = new Map();
  }

  draw(places) {
    this.group.replaceChildren();
    this.shapes.clear();
    const project = projection(places);
    for (const place of places) {
      const points = (place.line.length ? place.line : [[place.lon, place.lat]]).map(project);
      const shape = document.createElementNS(SVG, points.length > 1 ? "polyline" : "rect");
      if (points.length > 1) {
        shape.setAttribute("points", points.map((p) => p.join(",")).join(" "));
      } else {
        shape.setAttribute("x", points[0][0] - 8);
        shape.setAttribute("y", points[0][1] - 8);
        shape.setAttribute("width", 16);
        shape.setAttribute("height", 16);
      }
      const title = document.createElementNS(SVG, "title");
      shape.append(title);
      shape.addEventListener("click", () => this.onPick(place.id));
      this.group.append(shape);
      this.shapes.set(place.id, { shape, title, kind: place.kind });
    }
  }

  paint(id, name, text) {
    const found = this.shapes.get(id);
    if (!found) return;
    found.shape.setAttribute("class", `zone ${found.kind} ${name}`);
    found.title.textContent = text;
  }

  show(id, visible) {
    this.shapes.get(id)?.shape.classList.toggle("dim", !visible);
  }
}

function projection(places) {
  const points = places.flatMap((place) => [[place.lon, place.lat], ...place.line]);
  const lons = points.map((p) => p[0]);
  const lats = points.map((p) => p[1]);
  const west = Math.min(...lons);
  const north = Math.max(...lats);
  const narrow = Math.cos((((north + Math.min(...lats)) / 2) * Math.PI) / 180);
  const wide = Math.max((Math.max(...lons) - west) * narrow, 1e-6);
  const high = Math.max(north - Math.min(...lats), 1e-6);
  const scale = Math.min((WIDTH - 2 * MARGIN) / wide, (HEIGHT - 2 * MARGIN) / high);
  const left = (WIDTH - wide * scale) / 2;
  const top = (HEIGHT - high * scale) / 2;
  return ([lon, lat]) => [
    Math.round((left + (lon - west) * narrow * scale) * 10) / 10,
    Math.round((top + (north - lat) * scale) * 10) / 10,
  ];
}
