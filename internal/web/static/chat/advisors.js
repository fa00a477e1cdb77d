// The list from which a customer chooses her advisor, in the chat and inside LINE.

import { make, icon } from "./element.js";

/** speaks names the languages of an advisor in the reader's own. */
export function speaks(language, codes) {
  let names;
  try {
    names = new Intl.DisplayNames([language], { type: "language", languageDisplay: "standard" });
  } catch { /* the codes say it too */ }
  return codes.map((code) => {
    try {
      return names?.of(code) ?? code;
    } catch {
      return code;
    }
  });
}

/** about is what is known of an advisor, in lines: her languages, her specialities. */
export function about(language, { languages = [], specialities = "" }) {
  return [
    languages.length ? make("span.about", {}, speaks(language, languages).join(" · ")) : null,
    specialities ? make("span.about", { dir: "auto" }, specialities) : null,
  ];
}

/** face is the first letter of a name. */
export function face(name) {
  return make("span.face", { "aria-hidden": "true" }, [...name.trim()][0] ?? "");
}

/** list draws counters with their advisors; onChoose takes {counter, advisor, name}. */
export function list({ counters, language, words, onChoose }) {
  const choice = (counter, { id, name, away, mine, ...more }) => {
    const state = mine ? words.mine : away ? words.away : "";
    const button = make("button.pick", { type: "button", "aria-pressed": String(Boolean(mine)) },
      id ? face(name) : make("span.face.face-any", { "aria-hidden": "true" }, icon("people")),
      make("span.pick-main", {}, make("b", { dir: "auto" }, name), ...about(language, more)),
      state ? make("span.state" + (mine ? ".state-mine" : ""), {}, state) : null);
    button.addEventListener("click", () => onChoose({ counter: counter.id, advisor: id, name, at: counter.name }, button));
    return make("li", {}, button);
  };
  return make("div.advisors", {}, ...counters.map((counter, i) => {
    const title = make("h2", { id: "counter-" + i }, make("span", { dir: "auto" }, counter.name),
      counter.brand && !counter.name.includes(counter.brand) ? make("small", { dir: "auto" }, counter.brand) : null);
    const people = counter.advisors.map((advisor) => choice(counter, advisor));
    return make("section", { "aria-labelledby": title.id }, title, make("ul", {}, ...people,
      choice(counter, { id: "", name: words.anybody, specialities: words.anybodyAbout, mine: counter.mine })));
  }));
}
