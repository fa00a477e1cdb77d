// What she has said and the server has not confirmed. Texts lie in the browser's
// storage and survive a reload; each has a key, so that the server takes it once
// however often it is sent. One at a time and thread: order is kept.

const WAITS = [1000, 2000, 4000, 8000, 15000, 30000];

/**
 * outbox keeps what is to be sent. changed(item) draws it, sent(item, html)
 * takes what the server made of it. Files live only as long as the page.
 */
export function outbox({ me, changed, sent }) {
  const prefix = "outbox:" + me + ":";
  const items = new Map(), busy = new Set();
  let timer = 0, tries = 0;

  for (const name of Object.keys(localStorage)) {
    if (!name.startsWith(prefix)) continue;
    try {
      const item = JSON.parse(localStorage.getItem(name));
      items.set(item.key, { ...item, state: "waiting" });
    } catch {
      localStorage.removeItem(name);
    }
  }

  function keep(item) {
    if (item.file) return;
    const { key, thread, text, quotes, purpose, later, at, state, error } = item;
    try {
      localStorage.setItem(prefix + key, JSON.stringify({ key, thread, text, quotes, purpose, later, at, state, error }));
    } catch {
      // a full or forbidden storage: it is still in memory
    }
  }
  function drop(item) {
    items.delete(item.key);
    localStorage.removeItem(prefix + item.key);
  }
  function set(item, state, error = "") {
    Object.assign(item, { state, error });
    keep(item);
    changed(item);
  }
  const queue = (thread) => [...items.values()].filter((i) => i.thread === thread && i.state !== "failed").sort((a, b) => a.at - b.at);

  async function run(thread) {
    if (busy.has(thread)) return;
    busy.add(thread);
    try {
      for (let item; (item = queue(thread)[0]); ) {
        set(item, "sending");
        const answer = await deliver(item);
        if (!items.has(item.key)) continue; // discarded meanwhile
        if (answer.ok) {
          tries = 0;
          drop(item);
          sent(item, answer.text);
        } else if (answer.again) {
          set(item, "waiting");
          later();
          return;
        } else set(item, "failed", answer.text);
      }
    } finally {
      busy.delete(thread);
    }
  }

  function later() {
    clearTimeout(timer);
    timer = setTimeout(flush, WAITS[Math.min(tries++, WAITS.length - 1)]);
  }
  function flush() {
    clearTimeout(timer);
    for (const thread of new Set([...items.values()].map((i) => i.thread))) run(thread);
  }
  window.addEventListener("online", flush);
  window.addEventListener("beforeunload", (e) => {
    if ([...items.values()].some((i) => i.file && i.state !== "failed")) e.preventDefault();
  });

  function deliver(item) {
    return item.file ? deliverFile(item, changed) : deliverText(item);
  }

  return {
    add(item) {
      items.set(item.key, { ...item, at: Date.now() + items.size / 1000, state: "waiting" });
      keep(items.get(item.key));
      changed(items.get(item.key));
      run(item.thread);
    },
    again(key) {
      const item = items.get(key);
      if (!item) return;
      set(item, "waiting");
      run(item.thread);
    },
    discard(key) {
      const item = items.get(key);
      item?.abort?.();
      if (item) drop(item);
    },
    of: (thread) => [...items.values()].filter((i) => i.thread === thread).sort((a, b) => a.at - b.at),
    flush,
  };
}

const accept = "text/html, application/json";

// verdict reads an answer: done, to be tried again, or refused with a sentence.
function verdict(status, text) {
  if (status >= 200 && status < 300) return { ok: true, text };
  if (status === 0 || status === 408 || status === 429 || status >= 500) return { again: true };
  try {
    return { text: JSON.parse(text).error };
  } catch {
    return { text: "" };
  }
}

async function deliverText({ thread, key, text, quotes, purpose, later }) {
  try {
    const answer = await fetch(`/inbox/${thread}/messages`, {
      method: "POST", body: new URLSearchParams({ key, text, quotes: quotes ?? "", purpose: purpose ?? "", later: later ?? "" }), headers: { Accept: accept }, signal: AbortSignal.timeout(20000),
    });
    return verdict(answer.status, await answer.text());
  } catch {
    return { again: true };
  }
}

// XMLHttpRequest, because fetch cannot tell how far a body has come.
function deliverFile(item, changed) {
  return new Promise((done) => {
    const x = new XMLHttpRequest();
    x.open("POST", `/inbox/${item.thread}/upload?` + new URLSearchParams({ key: item.key, name: item.name }));
    x.setRequestHeader("Accept", accept);
    x.setRequestHeader("Content-Type", "application/octet-stream");
    x.upload.onprogress = (e) => {
      item.part = e.lengthComputable ? e.loaded / e.total : 0;
      changed(item);
    };
    x.onloadend = () => done(verdict(x.status, x.responseText));
    item.abort = () => x.abort();
    x.send(item.file);
  });
}
