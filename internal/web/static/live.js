// The stream of what happens. It remembers the number of the last event it was
// told of, so that whatever gap there was (sleep, a tunnel, a restart of the
// server), it goes on exactly where it stopped.

const SILENCE = 45000; // the server says something every 20 s

/**
 * live keeps one stream open. handlers[name](data) are called for its events;
 * state(up) when the connection comes or goes.
 */
export function live({ after, handlers, state }) {
  let seq = after, thread = "", source, heard = Date.now(), timer = 0, failures = 0;

  function open() {
    clearTimeout(timer);
    source?.close();
    heard = Date.now();
    source = new EventSource("/live?after=" + seq + (thread ? "&thread=" + encodeURIComponent(thread) : ""));
    const mine = source;
    const hear = (name, act) => mine.addEventListener(name, (e) => {
      if (mine !== source) return;
      heard = Date.now();
      failures = 0;
      act(JSON.parse(e.data));
    });
    for (const [name, act] of Object.entries(handlers)) hear(name, act);
    for (const name of ["at", "beat"]) hear(name, (n) => (seq = n));
    mine.onopen = () => state(true);
    mine.onerror = () => {
      if (mine !== source) return;
      state(false);
      if (mine.readyState === EventSource.CLOSED) lost();
    };
  }

  // An answer that is no stream: the server is starting, or she is signed out,
  // or the thread is hers no longer.
  async function lost() {
    clearTimeout(timer);
    timer = setTimeout(open, Math.min(30000, 1000 * 2 ** failures++));
    try {
      const probe = await fetch(thread ? "/inbox/" + thread + "/head" : "/more", { headers: { "HX-Request": "true" } });
      if (probe.status === 401) location.assign("/sign-in?next=" + encodeURIComponent(location.pathname + location.search));
      if (probe.status === 404 && thread) location.assign("/inbox");
    } catch {
      // no network: the timer tries again
    }
  }

  const stale = () => {
    if (document.visibilityState === "visible" && (Date.now() - heard > SILENCE || source.readyState === EventSource.CLOSED)) open();
  };
  setInterval(stale, 10000);
  document.addEventListener("visibilitychange", stale);
  window.addEventListener("online", () => source.readyState !== EventSource.OPEN && open());
  window.addEventListener("pageshow", (e) => e.persisted && open());
  window.addEventListener("pagehide", () => source?.close());

  return {
    start: open,
    // watch asks for the bubbles of one thread from now on.
    watch(id) {
      if (id === thread && source) return;
      thread = id;
      open();
    },
    get seq() { return seq; },
  };
}
