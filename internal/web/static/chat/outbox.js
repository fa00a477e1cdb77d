// What the visitor has said and the server has not confirmed. Texts survive a
// reload; each carries a key, so that sending it twice is sending it once.
// Files are kept as long as the page is open.

/**
 * outbox sends one item after the other, in order. send(item, how) delivers;
 * onChange draws; onSent(message) takes over what the server made of an item.
 */
export function outbox({ store, prefix, send, onChange, onSent }) {
  let items = store.keys().filter((k) => k.startsWith(prefix)).map(load).filter(Boolean);
  items.sort((a, b) => a.at - b.at);
  let busy = false, attempt = 0, timer = 0;

  function load(key) {
    try {
      return { ...JSON.parse(store.get(key)), state: "waiting" };
    } catch {
      store.remove(key);
      return null;
    }
  }

  function drop(item) {
    items = items.filter((i) => i !== item);
    store.remove(prefix + item.key);
    item.abort?.abort();
  }

  // deliver tells whether the next item may go.
  async function deliver(item) {
    item.state = "sending";
    item.abort = new AbortController();
    onChange();
    const onProgress = (part) => { item.progress = part; onChange(); };
    try {
      const { message } = await send(item, { onProgress, signal: item.abort.signal });
      drop(item);
      onSent(message, item);
      attempt = 0;
      return true;
    } catch (err) {
      item.progress = 0;
      if (!items.includes(item)) return true; // thrown away meanwhile
      if (err.status && !err.passing) {
        item.state = "failed";
        item.why = err.message;
        return true;
      }
      item.state = "waiting";
      clearTimeout(timer);
      timer = setTimeout(flush, Math.min(30_000, 1000 * 2 ** attempt++));
      return false;
    }
  }

  async function flush() {
    if (busy) return;
    busy = true;
    clearTimeout(timer);
    for (;;) {
      const next = items.find((i) => i.state !== "failed");
      if (!next || !(await deliver(next))) break;
    }
    busy = false;
    onChange();
  }

  return {
    flush,
    get items() { return items; },
    get busy() { return busy; },
    add(item) {
      const made = { key: crypto.randomUUID(), at: Date.now(), state: "waiting", ...item };
      items.push(made);
      if (made.text) store.set(prefix + made.key, JSON.stringify({ key: made.key, at: made.at, text: made.text }));
      onChange();
      flush();
    },
    retry(item) {
      item.state = "waiting";
      flush();
    },
    clear() {
      for (const item of [...items]) drop(item);
      onChange();
    },
    discard(item) {
      drop(item);
      onChange();
    },
  };
}
