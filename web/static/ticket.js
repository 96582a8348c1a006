/*
 * The ticket form: articles that may help show beside it while subject and text are typed, and a double click sends
 * once. Without this script the form works all the same.
 */
"use strict";

const DEBOUNCE_MS = 350;
const SUGGESTIONS = 3;
const LONGEST_QUERY = 1_500; // the address has to stay short; the first words say what it is about

const NOTHING = { suggestions: [], between: [] };
const form = document.querySelector("form.ticket");
const words = JSON.parse(form.dataset.words);
const beside = document.getElementById("fl-beside");
const list = document.getElementById("fl-beside-list");
const hint = document.getElementById("fl-beside-hint");
const heading = document.getElementById("fl-beside-title");
const neither = document.getElementById("fl-neither");
const status = document.getElementById("fl-beside-status");

/* ---- suggestions ---- */

let timer = 0;
let asked = ""; // what the suggestions on the page belong to
let running = null;

function typed() {
  const subject = form.elements.subject.value.trim();
  const body = form.elements.body.value.trim();
  return { subject, body, enough: subject.length + body.length >= Number(form.dataset.suggestFrom) };
}

function schedule() {
  clearTimeout(timer);
  timer = setTimeout(suggest, DEBOUNCE_MS);
}

async function suggest() {
  const { subject, body, enough } = typed();
  const query = new URLSearchParams({
    q: subject.slice(0, LONGEST_QUERY),
    body: body.slice(0, LONGEST_QUERY),
    lang: form.dataset.lang,
    limit: String(SUGGESTIONS),
  }).toString();
  if (!enough) {
    running?.abort();
    asked = "";
    show(NOTHING);
    return;
  }
  if (query === asked) return;
  asked = query;
  running?.abort(); // a reply to older words must not replace one to newer words
  running = new AbortController();
  try {
    const reply = await fetch(`${form.dataset.suggest}?${query}`, { signal: running.signal });
    if (!reply.ok) throw new Error(String(reply.status));
    const offer = await reply.json();
    if (query === asked) show(offer);
  } catch (error) {
    // The form does not need suggestions; whoever types must not be bothered because they are missing.
    if (error.name !== "AbortError" && query === asked) asked = "";
  }
}

function show(offer) {
  const declined = new Set([...form.querySelectorAll("[name=declined]")].map((field) => field.value));
  const between = offer.between.some((article) => declined.has(article)) ? [] : offer.between;
  let wanted = offer.suggestions.filter((suggestion) => !declined.has(suggestion.article_id));
  if (between.length) wanted = wanted.filter((suggestion) => between.includes(suggestion.article_id));
  const before = addresses();
  list.replaceChildren(...wanted.map(item));
  list.classList.toggle("choices", between.length > 0);
  neither.hidden = between.length === 0;
  hint.hidden = wanted.length > 0;
  heading.textContent = between.length ? words.which : wanted.length ? words.these : words.beside;
  beside.classList.toggle("beside-hint-only", wanted.length === 0);
  if (addresses() !== before) announce(wanted.length, between.length > 0);
}

/* The two that were not meant do not come back, and the ticket says so; what else may help takes their place. */
function declineBoth(event) {
  event.preventDefault();
  for (const { dataset } of list.children) {
    form.append(element("input", { type: "hidden", name: "declined", value: dataset.article }));
  }
  show(NOTHING);
  const { email, subject, body } = form.elements;
  const next = [email, subject, body].find((field) => !field.value.trim()) ?? document.getElementById("fl-send");
  next.focus();
  asked = "";
  suggest();
}

function addresses() {
  return [...list.querySelectorAll("a")].map((link) => link.getAttribute("href")).join(" ");
}

function announce(count, choice) {
  const found = words.found[count];
  status.textContent = choice ? `${found}. ${words.which}` : found;
}

/* Text is set as text: what an article or a person wrote never becomes markup here. */
function item({ article_id: article, title, heading: where, url, snippet, lang }) {
  const link = element("a", { href: url, lang, hreflang: lang, target: "_blank", rel: "noopener" }, title);
  if (where) link.append(element("span", { class: "where" }, ` › ${where}`));
  link.append(element("span", { class: "unseen" }, ` ${words.newTab}`));
  const head = element("h3", {});
  head.append(link);
  const row = element("li", { class: "result", "data-article": article });
  row.append(head, element("p", { lang }, snippet));
  return row;
}

function element(name, attributes, text = "") {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  made.textContent = text;
  return made;
}

/* ---- sending ---- */

// Going back after sending fetches the form anew, with a new key. The entry in the browser's history remembers the first
// one, so that the same words sent again are still the same ticket.
function keepKey() {
  const known = window.history.state?.key;
  if (known) form.elements.key.value = known;
  else window.history.replaceState({ key: form.elements.key.value }, "");
}

function sendOnce(event) {
  const button = document.getElementById("fl-send");
  if (button.getAttribute("aria-disabled") === "true") {
    event.preventDefault();
    return;
  }
  button.setAttribute("aria-disabled", "true");
  button.textContent = words.sending;
}

function readyAgain() {
  const button = document.getElementById("fl-send");
  button.removeAttribute("aria-disabled");
  button.textContent = words.send;
}

keepKey();
beside.hidden = false;
beside.classList.toggle("beside-hint-only", !list.children.length);
if (!list.children.length) heading.textContent = words.beside;
form.elements.subject.addEventListener("input", schedule);
form.elements.body.addEventListener("input", schedule);
neither.addEventListener("click", declineBoth);
form.addEventListener("submit", sendOnce);
// Coming back with the browser's own button shows the page as it was left: sending.
window.addEventListener("pageshow", (event) => event.persisted && readyAgain());
// After an error the summary is what to read first.
document.getElementById("fl-summary")?.focus();
