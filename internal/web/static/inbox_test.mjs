// node --test: what of the inbox needs no browser.
import test from "node:test";
import assert from "node:assert/strict";
import { belongs, order } from "./order.js";
import { outbox } from "./outbox.js";

const row = (thread, waiting, last, more = {}) => ({ thread, waiting: String(waiting), last: String(last), by: "", closed: "false", ...more });

test("who waits longest stands first, then the latest", () => {
  const rows = [row("a", 0, 50), row("b", 20, 99), row("c", 10, 10), row("d", 0, 70), row("e", 10, 11)];
  assert.deepEqual(rows.sort(order).map((r) => r.thread), ["c", "e", "b", "d", "a"]);
});

test("a row stands in the boxes that it belongs to", () => {
  const cases = [
    [{ by: "me" }, "mine", "false", true], [{ by: "" }, "mine", "false", false], [{ by: "" }, "unassigned", "false", true],
    [{ by: "other" }, "unassigned", "false", false], [{ by: "other" }, "all", "false", true], [{ closed: "true", by: "me" }, "mine", "false", false],
    [{ closed: "true" }, "all", "true", true], [{}, "all", "true", false],
  ];
  for (const [more, box, closed, want] of cases) assert.equal(belongs(row("a", 0, 0, more), { box, closed, me: "me" }), want, JSON.stringify([more, box, closed]));
});

// A browser's storage, and a network that answers as it is told.
function machine(answers) {
  const kept = {};
  globalThis.localStorage = new Proxy(kept, {
    get: (_, name) => ({ getItem: (k) => kept[k] ?? null, setItem: (k, v) => (kept[k] = v), removeItem: (k) => delete kept[k] })[name],
  });
  globalThis.window = { addEventListener() {} };
  const asked = [];
  globalThis.fetch = async (url, { body }) => {
    asked.push(body.get("key"));
    const answer = answers.shift() ?? 200;
    if (answer === "lost") throw new TypeError("no network");
    return { status: answer, text: async () => (answer === 422 ? '{"error":"too long"}' : "<article>" + body.get("key") + "</article>") };
  };
  return { kept, asked };
}

const box = () => {
  const states = {}, sent = [];
  const post = outbox({ me: "mei", changed: (i) => (states[i.key] = i.state), sent: (i) => sent.push(i.key) });
  return { post, states, sent };
};
const settled = () => new Promise((done) => setTimeout(done, 20));

test("one at a time and in order; what was refused stays to be looked at", async () => {
  const { kept, asked } = machine([200, 422, 200]);
  const { post, states, sent } = box();
  for (const key of ["1", "2", "3"]) post.add({ key, thread: "t", text: key });
  await settled();
  assert.deepEqual(asked, ["1", "2", "3"]);
  assert.deepEqual(sent, ["1", "3"]);
  assert.equal(states["2"], "failed");
  assert.deepEqual(Object.keys(kept), ["outbox:mei:2"]);
  post.discard("2");
  assert.deepEqual(Object.keys(kept), []);
});

test("without a network everything waits, in order, and survives a reload", async () => {
  const { kept, asked } = machine(["lost"]);
  const { post, states } = box();
  post.add({ key: "1", thread: "t", text: "a" });
  post.add({ key: "2", thread: "t", text: "b" });
  await settled();
  assert.deepEqual(asked, ["1"]);
  assert.deepEqual(states, { 1: "waiting", 2: "waiting" });
  assert.equal(Object.keys(kept).length, 2);
  const after = box(); // the page is loaded anew
  assert.deepEqual(after.post.of("t").map((i) => i.key), ["1", "2"]);
  after.post.flush();
  await settled();
  assert.deepEqual(after.sent, ["1", "2"]);
  assert.deepEqual(asked, ["1", "1", "2"]);
  assert.deepEqual(Object.keys(kept), []);
});
