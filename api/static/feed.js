// Follows WS /v1/live: snapshot, then deltas whose `prev` must be the version seen last; resumes by `since`.
const SILENCE_MS = 14_000; // a heartbeat comes every ten seconds
const BACK_OFF_MS = [500, 20_000];

export class Feed {
  // handlers: snapshot(zones), delta(zones), stale(bool), found(), lost(since when, by performance.now())
  constructor(query, handlers) {
    this.query = query;
    this.handlers = handlers;
    this.version = null;
    this.backOff = BACK_OFF_MS[0];
    this.stopped = false;
    this.connect();
  }

  stop() {
    this.stopped = true;
    clearTimeout(this.again);
    clearTimeout(this.silence);
    this.socket?.close();
  }

  connect() {
    const query = new URLSearchParams(this.query);
    if (this.version !== null) query.set("since", this.version);
    const scheme = location.protocol === "https:" ? "wss:" : "ws:";
    const socket = new WebSocket(`${scheme}//${location.host}/v1/live?${query}`);
    this.socket = socket;
    this.listenForSilence();
    socket.onmessage = (event) => socket === this.socket && this.take(JSON.parse(event.data));
    socket.onclose = () => socket === this.socket && this.lost(performance.now());
  }

  take(message) {
    this.listenForSilence();
    if (message.type === "delta" && message.prev !== this.version) {
      this.version = null; // a gap: nothing but a snapshot will do
      this.socket.close();
      return;
    }
    this.version = message.version;
    this.backOff = BACK_OFF_MS[0];
    if (message.type === "snapshot") this.handlers.snapshot(message.zones);
    if (message.type === "delta") this.handlers.delta(message.zones);
    this.handlers.stale(message.stale);
    this.handlers.found();
  }

  listenForSilence() {
    clearTimeout(this.silence);
    const heardAt = performance.now();
    this.silence = setTimeout(() => {
      const socket = this.socket;
      this.lost(heardAt); // a half-open connection may take minutes to say that it is closed
      socket.close();
    }, SILENCE_MS);
  }

  lost(since) {
    clearTimeout(this.silence);
    this.socket = null;
    if (this.stopped) return;
    this.handlers.lost(since);
    clearTimeout(this.again);
    this.again = setTimeout(() => this.connect(), this.backOff * (0.5 + Math.random() / 2));
    this.backOff = Math.min(this.backOff * 2, BACK_OFF_MS[1]);
  }
}
