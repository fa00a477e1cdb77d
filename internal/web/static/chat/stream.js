// Server-sent events over fetch: EventSource cannot carry an Authorization
// header.

const SILENCE = 65_000; // the server sends a comment at least every 25 s
const LONGEST_PAUSE = 30_000;

/** parser turns chunks of text into events {id, event, data}; a chunk may end anywhere. */
export function parser(onEvent) {
  let rest = "", event = "", data = [], id;
  const line = (text) => {
    if (text === "") {
      if (data.length) onEvent({ id, event: event || "message", data: data.join("\n") });
      event = "";
      data = [];
      return;
    }
    const colon = text.indexOf(":");
    if (colon === 0) return; // a comment keeps the line open
    const field = colon < 0 ? text : text.slice(0, colon);
    const value = colon < 0 ? "" : text.slice(colon + 1).replace(/^ /, "");
    if (field === "event") event = value;
    else if (field === "data") data.push(value);
    else if (field === "id" && !value.includes("\0")) id = value;
  };
  return (chunk) => {
    rest += chunk;
    for (;;) {
      const end = rest.search(/[\r\n]/);
      // A carriage return at the very end may be half of a line break.
      if (end < 0 || (rest[end] === "\r" && end === rest.length - 1)) return;
      const next = rest.startsWith("\r\n", end) ? end + 2 : end + 1;
      const text = rest.slice(0, end);
      rest = rest.slice(next);
      line(text);
    }
  };
}

/**
 * listen stays connected until the page goes. open(cursor, signal) makes the
 * request; onEvent gets (name, data); onState gets true or false; onGap is
 * called with the answer when the server no longer knows the cursor. wake() tries
 * at once, again() leaves the connection for a new one, stop() for good.
 */
export function listen({ cursor, open, onEvent, onState, onGap }) {
  let attempt = 0, skip = () => {}, abort = new AbortController(), asleep = false, over = false;

  async function once() {
    abort = new AbortController();
    let watchdog = 0;
    const heard = () => {
      clearTimeout(watchdog);
      watchdog = setTimeout(() => abort.abort(), SILENCE);
    };
    try {
      heard();
      const answer = await open(cursor, abort.signal);
      if (answer.status === 410) cursor = await onGap(answer);
      if (!answer.ok) return;
      attempt = 0;
      onState(true);
      const feed = parser(({ id, event, data }) => {
        if (id) cursor = id;
        onEvent(event, JSON.parse(data));
      });
      const reader = answer.body.getReader();
      const decoder = new TextDecoder();
      for (;;) {
        const { value, done } = await reader.read();
        if (done) return;
        heard();
        feed(decoder.decode(value, { stream: true }));
      }
    } finally {
      clearTimeout(watchdog);
      abort.abort();
    }
  }

  async function forever() {
    while (!over) {
      await once().catch(() => {}); // what went wrong does not matter: connect again
      if (over) return;
      onState(false);
      const pause = asleep ? 2 ** 31 - 1 : Math.min(LONGEST_PAUSE, 500 * 2 ** attempt++) * (0.5 + Math.random() / 2);
      await new Promise((go) => { skip = go; setTimeout(go, pause); });
    }
  }

  const wake = () => { attempt = 0; skip(); };
  addEventListener("online", wake);
  addEventListener("offline", () => abort.abort());
  document.addEventListener("visibilitychange", () => { if (!document.hidden) wake(); });
  // A page in the back/forward cache may not hold a connection.
  addEventListener("pagehide", () => { asleep = true; abort.abort(); });
  addEventListener("pageshow", () => { asleep = false; wake(); });
  forever();
  return { wake, again: () => { abort.abort(); wake(); }, stop: () => { over = true; abort.abort(); wake(); } };
}
