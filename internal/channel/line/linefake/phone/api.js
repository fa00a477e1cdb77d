// The phone API of the stand-in platform. Addresses are relative: the page
// works wherever it is mounted.

async function call(path, init) {
  let answer;
  try {
    answer = await fetch("api/" + path, init);
  } catch (cause) {
    throw new Error("offline", { cause });
  }
  const text = await answer.text();
  if (!answer.ok) throw new Error(text.trim().slice(0, 200) || String(answer.status));
  return text ? JSON.parse(text) : null;
}

function post(path, body = {}) {
  return call(path, { method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(body) });
}

const of = (person) => "people/" + encodeURIComponent(person);

export const account = () => call("account");
export const cards = () => call("cards");
export const idToken = (person) => post(of(person) + "/token"); // as LINE's SDK has it
export const people = () => call("people");
export const addPerson = (name) => post("people", { name });
export const turn = (person, verb) => post(`${of(person)}/${verb}`); // follow | block | unblock
export const messages = (person) => call(of(person) + "/messages");
export const send = (person, message) => post(of(person) + "/messages", message);
export const unsend = (person, id) => post(`${of(person)}/messages/${encodeURIComponent(id)}/unsend`);
export const postback = (person, data, label) => post(of(person) + "/postback", { data, label });

/** sendMedia uploads raw bytes; duration is in milliseconds, for sound and film. */
export function sendMedia(person, { type, name, duration = 0, bytes }) {
  const query = new URLSearchParams({ type, name });
  if (duration) query.set("duration", String(Math.round(duration)));
  return call(`${of(person)}/media?${query}`, {
    method: "POST",
    headers: { "Content-Type": bytes.type || "application/octet-stream" },
    body: bytes,
  });
}

export const stream = (person) => new EventSource(`api/${of(person)}/stream`);
