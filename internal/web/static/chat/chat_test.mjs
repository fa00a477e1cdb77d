// node --test internal/web/static/chat/chat_test.mjs

import test from "node:test";
import assert from "node:assert/strict";
import { ownPage, pieces, webAddress } from "./links.js";
import { parser } from "./stream.js";
import { dictionaries, languageFor } from "./words.js";
import { outbox } from "./outbox.js";
import { place } from "./element.js";

const linkCases = {
  "plain text": ["hello", ["hello"]],
  "full stop after it": ["see https://a.example/b.", ["see ", { href: "https://a.example/b" }, "."]],
  "in brackets": ["(https://a.example/b)", ["(", { href: "https://a.example/b" }, ")"]],
  "brackets inside": ["https://a.example/b_(c)", [{ href: "https://a.example/b_(c)" }]],
  "query": ["https://a.example/?q=1&r=2", [{ href: "https://a.example/?q=1&r=2" }]],
  "Chinese around it": ["請看https://a.example，謝謝", ["請看", { href: "https://a.example" }, "，謝謝"]],
  "script is no link": ["javascript:alert(1)", ["javascript:alert(1)"]],
  "markup stays text": ["<b>https://a.example</b>", ["<b>", { href: "https://a.example" }, "</b>"]],
};
for (const [name, [text, want]] of Object.entries(linkCases)) {
  test("links: " + name, () => assert.deepEqual(pieces(text), want));
}

test("only the house's own link to her page is called so", () => {
  for (const [url, want] of [
    ["https://house.example/my/abc.DEF_1-2", true], ["https://house.example/my/abc?x=1", true], ["https://house.example/my/", false], ["https://house.example/my/a/b", false],
    ["https://house.example/mybrand", false], ["https://other.example/my/abc", false], ["http://house.example/my/abc", false], ["https://house.example@evil.example/my/abc", false],
  ]) assert.equal(ownPage(url, "https://house.example"), want, url);
});

test("addresses that could run are refused", () => {
  for (const url of [undefined, "", "javascript:alert(1)", "data:text/html,x", " jAvascript:x", "vbscript:x"]) {
    assert.equal(webAddress(url, "https://a.example/"), "", url);
  }
  assert.equal(webAddress("/m/1", "https://a.example/x"), "https://a.example/m/1");
});

test("events survive being cut anywhere", () => {
  const wire = ": hi\n\nevent: message\r\nid: 7\r\ndata: {\"a\":\r\ndata: \"嗨\"}\r\n\r\nevent: typing\ndata: {}\n\n";
  for (let cut = 0; cut <= wire.length; cut++) {
    const got = [];
    const feed = parser((e) => got.push(e));
    feed(wire.slice(0, cut));
    feed(wire.slice(cut));
    assert.deepEqual(got, [
      { id: "7", event: "message", data: "{\"a\":\n\"嗨\"}" },
      { id: "7", event: "typing", data: "{}" },
    ], "cut at " + cut);
  }
});

test("all languages have the same sentences and placeholders", () => {
  const holes = (s) => [...s.matchAll(/\{\w+\}/g)].map(String).sort().join();
  for (const [language, sentences] of Object.entries(dictionaries)) {
    assert.deepEqual(Object.keys(sentences), Object.keys(dictionaries.en), language);
    for (const [key, s] of Object.entries(sentences)) assert.equal(holes(s), holes(dictionaries.en[key]), language + " " + key);
  }
});

test("the nearest language is taken", () => {
  assert.equal(languageFor(["", "zh-Hant-HK"]), "zh-TW");
  assert.equal(languageFor(["fr", "en-GB"]), "en");
  assert.equal(languageFor(["fr"]), "en");
});

function shelf(start = {}) {
  const kept = new Map(Object.entries(start));
  return { get: (k) => kept.get(k) ?? null, set: (k, v) => kept.set(k, v), remove: (k) => kept.delete(k), keys: () => [...kept.keys()], kept };
}

test("what was queued before a reload is sent with the same key, in order", async () => {
  const store = shelf({
    "q:b": JSON.stringify({ key: "b", at: 2, text: "two" }),
    "q:a": JSON.stringify({ key: "a", at: 1, text: "one" }),
    "q:broken": "{",
  });
  const sent = [];
  const box = outbox({ store, prefix: "q:", onChange() {}, onSent() {}, send: async (item) => { sent.push(item.key); return { message: {} }; } });
  await box.flush();
  assert.deepEqual(sent, ["a", "b"]);
  assert.equal(store.kept.size, 0);
});

test("the network waits and keeps the order, a refusal does not hold up the rest", async (t) => {
  t.mock.timers.enable({ apis: ["setTimeout"] });
  const store = shelf();
  const sent = [];
  let broken = true;
  const box = outbox({
    store, prefix: "q:", onChange() {}, onSent() {},
    async send({ text }) {
      if (broken) throw new TypeError("network");
      if (text === "no") throw Object.assign(new Error("too long"), { status: 422, passing: false });
      sent.push(text);
      return { message: {} };
    },
  });
  for (const text of ["one", "no", "three"]) box.add({ text });
  await new Promise(setImmediate);
  assert.deepEqual(box.items.map((i) => i.state), ["waiting", "waiting", "waiting"]);
  assert.equal(store.kept.size, 3);
  broken = false;
  await box.flush();
  assert.deepEqual(sent, ["one", "three"]);
  assert.deepEqual(box.items.map((i) => [i.text, i.state, i.why]), [["no", "failed", "too long"]]);
});

// A parent that keeps account of what happens to its children, as a page does.
function parentOf(...names) {
  const node = (name) => ({ name, moves: 0, remove() { parent.children.splice(parent.children.indexOf(this), 1); } });
  const parent = {
    children: [],
    get lastElementChild() { return parent.children.at(-1); },
    insertBefore(child, next) {
      child.moves++;
      if (parent.children.includes(child)) child.remove();
      parent.children.splice(next ? parent.children.indexOf(next) : parent.children.length, 0, child);
    },
  };
  parent.children = names.map(node);
  return { parent, node };
}

test("what stays in the page is not touched when its neighbours change", () => {
  for (const [name, want] of Object.entries({
    "one drawn anew": ["a", "B", "c", "d"],
    "all before it drawn anew": ["A", "B", "C", "d"],
    "gone": ["b", "d"],
    "one more": ["a", "b", "new", "c", "d"],
    "all gone but the last": ["d"],
    "one gone, one more, one anew": ["b", "C", "new", "d"],
  })) {
    const { parent, node } = parentOf("a", "b", "c", "d");
    const kept = new Map(parent.children.map((c) => [c.name, c]));
    place(parent, want.map((n) => kept.get(n) ?? node(n)));
    assert.deepEqual(parent.children.map((c) => c.name), want, name);
    assert.deepEqual([...kept.values()].filter((c) => c.moves).map((c) => c.name), [], name);
  }
  const { parent } = parentOf("a", "b", "c");
  place(parent, [...parent.children].reverse());
  assert.deepEqual(parent.children.map((c) => c.name), ["c", "b", "a"]);
});
