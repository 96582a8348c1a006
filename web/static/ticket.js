/*
 * The ticket form: articles that may help show beside it while subject and text are typed, a half-written ticket
 * survives a reload, files that cannot be taken are told at once, and a double click sends once. Without this script
 * the form works all the same.
 */
"use strict";

const DEBOUNCE_MS = 350;
const STUCK_MS = 20_000;
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
  const left = beside.contains(document.activeElement) ? document.activeElement : null;
  list.replaceChildren(...wanted.map(item));
  list.classList.toggle("choices", between.length > 0);
  neither.hidden = between.length === 0;
  hint.hidden = wanted.length > 0;
  heading.textContent = between.length ? words.which : wanted.length ? words.these : words.beside;
  beside.classList.toggle("beside-hint-only", wanted.length === 0);
  // Who is on a link that goes away is on the same one again, else back in the form.
  if (left && (neither.hidden || !neither.contains(left))) {
    const again = [...list.querySelectorAll("a")].find((link) => link.href === left.href);
    (again ?? form.elements.body).focus({ preventScroll: true });
  }
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
  const link = element("a", { href: url, lang, hreflang: lang, dir: "auto", target: "_blank", rel: "noopener" }, title);
  if (where) link.append(element("span", { class: "where" }, ` › ${where}`));
  link.append(element("span", { class: "unseen" }, ` ${words.newTab}`));
  const head = element("h3", {});
  head.append(link);
  const row = element("li", { class: "result", "data-article": article });
  row.append(head, element("p", { lang, dir: "auto" }, snippet));
  return row;
}

function element(name, attributes, text = "") {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  made.textContent = text;
  return made;
}

/* ---- a half-written ticket ---- */

// Kept in this browser alone, one for each tab, so that two tabs never write over each other's words.
const KEPT = "firstline-ticket:";
const KEPT_DAYS = 3;
const FIELDS = ["email", "department", "topic", "subject", "body"].filter((name) => form.elements[name]);
const kept = document.getElementById("fl-kept");

let tab = "";
let keeping = 0;

function values() {
  return Object.fromEntries(FIELDS.map((name) => [name, form.elements[name].value]));
}

function same(one, other) {
  return FIELDS.every((name) => (one[name] ?? "") === (other[name] ?? ""));
}

const given = values(); // what the server wrote into the form; the browser may have put typed words back since

function keep() {
  clearTimeout(keeping);
  try {
    const typed = values();
    if (!tab || (!typed.subject && !typed.body)) {
      if (tab) localStorage.removeItem(KEPT + tab);
    } else {
      localStorage.setItem(KEPT + tab, JSON.stringify({ ...typed, at: Date.now() }));
    }
  } catch {
    // full, or closed to us: the form works without
  }
}

function keepSoon() {
  clearTimeout(keeping);
  keeping = setTimeout(keep, 300);
}

function remembered(name) {
  try {
    return JSON.parse(localStorage.getItem(name));
  } catch {
    return null;
  }
}

function keptTabs() {
  const names = Object.keys(localStorage).filter((name) => name.startsWith(KEPT));
  const old = Date.now() - KEPT_DAYS * 86_400_000;
  for (const name of names) if (!(remembered(name)?.at > old)) localStorage.removeItem(name);
  return names.filter((name) => localStorage.getItem(name)).map((name) => name.slice(KEPT.length));
}

/* True where this tab is the only one that writes under a name, at once or after some patience, in milliseconds. */
function hold(name, patience = 0) {
  if (!navigator.locks) return Promise.resolve(true);
  const how = patience ? { signal: AbortSignal.timeout(patience) } : { ifAvailable: true };
  return new Promise((decided) => {
    const held = navigator.locks.request(KEPT + name, how, (lock) => {
      decided(lock !== null);
      return lock && new Promise(() => {}); // held until the tab closes
    });
    held.catch(() => decided(false));
  });
}

async function findTab() {
  const known = keptTabs();
  const mine = sessionStorage.getItem("firstline-tab");
  // A page that is being reloaded lets go in a moment; a tab that this one was duplicated from never does.
  if (mine && (await hold(mine, 500))) return mine;
  if ("fresh" in form.dataset && navigator.locks && !mine) {
    // A browser that was closed and opened again: the newest words that no open tab is writing.
    const newest = known.sort((one, other) => remembered(KEPT + other).at - remembered(KEPT + one).at);
    for (const name of newest) if (await hold(name)) return name;
  }
  const made = crypto.getRandomValues(new Uint32Array(2)).join("-");
  await hold(made);
  return made;
}

async function restore() {
  try {
    const before = values();
    tab = await findTab();
    const typed = remembered(KEPT + tab);
    if (typed && "fresh" in form.dataset && same(values(), before) && !before.subject && !before.body) {
      for (const name of FIELDS) if (typed[name]) form.elements[name].value = typed[name];
      kept.hidden = same(values(), before);
      if (!kept.hidden) status.textContent = kept.querySelector("p").textContent;
      suggest();
    } else if (typed && "prefilled" in form.dataset && !same(typed, values())) {
      tab = crypto.getRandomValues(new Uint32Array(2)).join("-"); // the words kept before stay as they are
      await hold(tab);
    }
    sessionStorage.setItem("firstline-tab", tab);
    if (!same(values(), given)) keep();
  } catch {
    tab = ""; // storage is closed to us
  }
}

function startOver() {
  for (const name of FIELDS) form.elements[name].value = "";
  kept.hidden = true;
  keep();
  suggest();
  form.elements.email.focus();
}

/* ---- files ---- */

const files = form.elements.attachments;

/* Files that the server would refuse are told before they are sent; the others stay chosen. */
function checkFiles() {
  const { types, maxBytes, maxFiles } = files.dataset;
  const good = new DataTransfer();
  const wrong = [];
  for (const file of files.files) {
    const extension = file.name.includes(".") ? file.name.split(".").pop().toLowerCase() : "";
    let problem = "";
    if (!types.split(" ").includes(extension)) problem = words.wrongKind;
    else if (file.size > Number(maxBytes)) problem = words.tooLarge;
    else if (good.files.length >= Number(maxFiles)) problem = words.tooMany;
    if (problem) wrong.push(problem.replace("{name}", () => file.name));
    else good.items.add(file);
  }
  if (wrong.length) files.files = good.files;
  const told = document.getElementById("fl-attachments-error");
  told.hidden = wrong.length === 0;
  document.getElementById("fl-attachments-words").textContent = wrong.join("\n");
  files.setAttribute("aria-describedby", `${wrong.length ? "fl-attachments-error " : ""}fl-attachments-hint`);
  files.setAttribute("aria-invalid", String(wrong.length > 0));
  if (wrong.length) status.textContent = wrong.join(" ");
}

/* ---- sending ---- */

// Going back after sending fetches the form anew, with a new key. The entry in the browser's history remembers the first
// one, so that the same words sent again are still the same ticket; the token belongs to the key.
function keepKey() {
  const { key, token } = form.elements;
  const known = window.history.state;
  if (known?.key && known.token) [key.value, token.value] = [known.key, known.token];
  else window.history.replaceState({ key: key.value, token: token.value }, "");
}

function sendOnce(event) {
  keep();
  if (event.submitter?.name === "remove") return;
  const button = document.getElementById("fl-send");
  if (button.getAttribute("aria-disabled") === "true") {
    event.preventDefault();
    return;
  }
  button.setAttribute("aria-disabled", "true");
  button.textContent = words.sending;
  // Nothing tells that the browser's Stop was pressed. Sent again while it is still on its way, it is the same ticket.
  setTimeout(readyAgain, STUCK_MS);
}

function readyAgain() {
  const button = document.getElementById("fl-send");
  button.removeAttribute("aria-disabled");
  button.textContent = words.send;
}

keepKey();
// At once, before suggestions can have kept anybody: who counts is the same whether some see them or not.
if (form.dataset.came) fetch(form.dataset.came, { method: "POST", keepalive: true }).catch(() => {});
beside.hidden = !form.dataset.suggest; // some see none, so that what suggestions do can be measured
beside.classList.toggle("beside-hint-only", !list.children.length);
if (!list.children.length) heading.textContent = words.beside;
form.elements.subject.addEventListener("input", schedule);
form.elements.body.addEventListener("input", schedule);
neither.addEventListener("click", declineBoth);
form.addEventListener("input", keepSoon);
window.addEventListener("pagehide", keep);
document.getElementById("fl-start-over").addEventListener("click", startOver);
files?.addEventListener("change", checkFiles);
restore();
form.addEventListener("submit", sendOnce);
// Coming back with the browser's own button shows the page as it was left: sending.
window.addEventListener("pageshow", (event) => event.persisted && readyAgain());
// After an error the summary is what to read first.
document.getElementById("fl-summary")?.focus();
