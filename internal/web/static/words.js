// The sentences that scripts say: the keys below "js." of the locale files.
const words = JSON.parse(document.getElementById("words").textContent);
const plural = new Intl.PluralRules(document.documentElement.lang);

// t gives a sentence; values.n chooses the plural form.
export function t(key, values = {}) {
  let text = words[key] ?? key;
  if (typeof text === "object") text = text[plural.select(values.n ?? 0)] ?? text.other;
  return text.replace(/\{(\w+)\}/g, (place, name) => (name in values ? values[name] : place));
}

// span says a length of time in seconds, as the server does (when.go).
export function span(seconds) {
  if (seconds < 60) return t("wait.now");
  if (seconds < 3600) return t("wait.minutes", { n: Math.floor(seconds / 60) });
  if (seconds < 86400) return t("wait.hours", { n: Math.floor(seconds / 3600) });
  return t("wait.days", { n: Math.floor(seconds / 86400) });
}
