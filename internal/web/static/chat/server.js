// The door of one account: /chat/{account}. It keeps the visitor's token fresh.

const PATIENCE = 20_000;

/** Refused is an answer that said no; anything else that goes wrong is the network. */
export class Refused extends Error {
  constructor(status, { code = "", message = "" } = {}) {
    super(message || code || String(status));
    this.status = status;
    this.code = code;
  }

  /** passing tells whether the same request may succeed later. */
  get passing() {
    return this.status >= 500 || [401, 408, 425, 429].includes(this.status);
  }
}

async function read(answer) {
  const body = await answer.json().catch(() => ({}));
  if (!answer.ok) throw new Refused(answer.status, body.error);
  return body;
}

/** door opens the way in; onStart hears of every new token and what came with it. */
export function door(base, { token, onStart }) {
  let starting = null;

  function start(name) {
    starting ??= fetch(base + "/start", {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify({ ...(token && { token }), ...(name && { name }) }),
      signal: AbortSignal.timeout(PATIENCE),
    }).then(read).then((begun) => {
      token = begun.token;
      onStart(begun);
      return begun;
    }).finally(() => { starting = null; });
    return starting;
  }

  // An expired token is renewed once, then the request is made again.
  async function call(path, init = {}) {
    const go = () => fetch(base + path, { ...init, headers: { ...init.headers, Authorization: "Bearer " + token } });
    const answer = await go();
    if (answer.status !== 401) return answer;
    await start();
    return go();
  }

  const post = (path, body) => call(path, {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify(body),
    signal: AbortSignal.timeout(PATIENCE),
  }).then(read);

  // XMLHttpRequest, because fetch tells nothing of an upload's progress.
  function uploadOnce({ key, file, name }, { onProgress, signal }) {
    return new Promise((done, fail) => {
      const request = new XMLHttpRequest();
      request.open("POST", `${base}/upload?${new URLSearchParams({ key, name })}`);
      request.setRequestHeader("Authorization", "Bearer " + token);
      request.setRequestHeader("Content-Type", file.type || "application/octet-stream");
      request.responseType = "json";
      request.timeout = 10 * 60_000;
      request.upload.onprogress = (e) => e.lengthComputable && onProgress(e.loaded / e.total);
      request.onload = () => request.status < 300 && request.response
        ? done(request.response) : fail(new Refused(request.status, request.response?.error));
      request.onerror = request.ontimeout = () => fail(new Error("network"));
      request.onabort = () => fail(new Error("cancelled"));
      signal.addEventListener("abort", () => request.abort());
      request.send(file);
    });
  }

  async function upload(item, how) {
    try {
      return await uploadOnce(item, how);
    } catch (err) {
      if (err.status !== 401) throw err;
      await start();
      return uploadOnce(item, how);
    }
  }

  return {
    start,
    upload,
    say: (key, text) => post("/messages", { key, text }),
    tap: (key, data) => post("/taps", { key, data }),
    card: (code) => call("/card?" + new URLSearchParams({ code }), { signal: AbortSignal.timeout(PATIENCE) }).then(read),
    answer: (code, yes) => post("/card", { code, yes }),
    advisors: () => call("/advisors", { signal: AbortSignal.timeout(PATIENCE) }).then(read),
    choose: (counter, advisor) => post("/advisors", { counter, advisor }),
    typing: () => post("/typing", {}),
    older: (before) => call("/messages?" + new URLSearchParams({ before }), { signal: AbortSignal.timeout(PATIENCE) }).then(read),
    stream: (cursor, signal, talk) => call("/stream?" + new URLSearchParams({ cursor, ...(talk && { talk: 1 }) }), { signal, headers: { Accept: "text/event-stream" } }),
  };
}
