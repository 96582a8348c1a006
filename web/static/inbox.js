/*
 * The agents' inbox and the page of a ticket: keys, what is new, a draft that stays in this browser until it is sent.
 * Without this script everything works by its forms and links.
 */
"use strict";

const NEWS_MS = 30_000;
const GO_MS = 1_500; // how long a g waits for the letter of a view
const KEPT = "firstline-answer:";
const KEPT_DAYS = 3;
const ORDER = "firstline-list";

const list = document.querySelector(".inbox");
const page = document.querySelector(".case");
const words = JSON.parse((list ?? page).dataset.words);
const composer = document.querySelector(".composer");
const box = document.getElementById("fl-reply");

/* ---- keys ---- */

const keys = document.getElementById("fl-keys");
let going = 0; // when g was pressed

function showKeys() {
  keys.showModal();
}

let leaving = false; // a form is on its way: what follows is not meant for the page that goes

/* Whoever types means the letter; a key with another one held down belongs to the browser. */
function typing(event) {
  if (leaving || event.repeat || event.ctrlKey || event.metaKey || event.altKey || event.isComposing || keys.open) return true;
  const at = event.composedPath()[0];
  const field = at instanceof Element && at.closest("input:not([type=checkbox], [type=radio]), textarea, select");
  return Boolean(field) || (at instanceof HTMLElement && at.isContentEditable);
}

document.addEventListener(
  "keydown",
  (event) => {
    if (typing(event)) return;
    const now = Date.now();
    const go = now - going < GO_MS;
    going = 0;
    const acted = go ? goTo(event.key) : (press(event.key) ?? false);
    if (!acted) return;
    event.preventDefault();
    event.stopImmediatePropagation(); // the slash of the search box in other pages
  },
  { capture: true },
);

function press(key) {
  if (key === "?") return done(showKeys());
  if (key === "g") return done((going = Date.now()));
  if (key === "j" || key === "k") return list ? step(key === "j" ? 1 : -1) : neighbour(key === "j" ? 1 : -1);
  return list ? inList(key) : onTicket(key);
}

function done() {
  return true;
}

function goTo(key) {
  const link = document.querySelector(`[data-go="${CSS.escape(key)}"]`);
  if (link) return done(link.click());
  const view = { m: "mine", u: "unassigned", a: "", o: "overdue", w: "waiting", h: "on_hold", s: "solved" }[key];
  if (!page || view === undefined) return false;
  window.location.assign(view ? `/inbox?view=${view}` : "/inbox");
  return true;
}

/* A second press of a key or button asks for nothing new, and would be refused as a change of what changed since. */
document.addEventListener("submit", (event) => {
  if (event.defaultPrevented || event.target.method !== "post" || event.target.hasAttribute("data-part")) return;
  if (leaving) event.preventDefault();
  leaving = true;
  setTimeout(() => (leaving = false), 5_000);
});
window.addEventListener("pageshow", () => (leaving = false));

document.querySelector("[data-keys]")?.addEventListener("click", showKeys);
document.querySelector(".keys-hint").hidden = false;

/* ---- the list ---- */

const rows = [...document.querySelectorAll(".tickets tbody tr")];
const several = document.querySelector(".several");

function at() {
  return rows.findIndex((row) => row.contains(document.activeElement));
}

function step(by) {
  if (!rows.length) return false;
  const now = at();
  const next = now < 0 ? (by > 0 ? 0 : rows.length - 1) : Math.min(rows.length - 1, Math.max(0, now + by));
  const link = rows[next].querySelector("a");
  link.focus();
  rows[next].scrollIntoView({ block: "nearest" });
  return true;
}

function inList(key) {
  if (key === "/") {
    const search = document.getElementById("fl-text");
    search.focus();
    search.select();
    return true;
  }
  if (key !== "x" || at() < 0) return false;
  rows[at()].querySelector("input").click();
  return true;
}

function countChosen() {
  const chosen = rows.filter((row) => row.querySelector("input").checked);
  for (const row of rows) row.classList.toggle("chosen", chosen.includes(row));
  several.hidden = !chosen.length;
  if (chosen.length) document.getElementById("fl-chosen").textContent = words.chosen[chosen.length];
}

if (list) {
  try {
    const numbers = rows.map((row) => row.dataset.number);
    sessionStorage.setItem(ORDER, JSON.stringify(numbers));
    // Back from a ticket, the list goes on where it was left.
    const left = sessionStorage.getItem(`${ORDER}-at`);
    sessionStorage.removeItem(`${ORDER}-at`);
    if (!document.getElementById("fl-done")) rows.find((row) => row.dataset.number === left)?.querySelector("a").focus();
  } catch {
    // storage is closed to us: the list begins at its beginning
  }
  if (several) {
    several.closest("form").addEventListener("change", countChosen);
    countChosen();
    window.addEventListener("pageshow", countChosen);
  }
}

/* ---- a ticket ---- */

function onTicket(key) {
  if (key === "r" || key === "n") return write(key === "r" ? "reply" : "note");
  const target = document.querySelector(`[data-key="${CSS.escape(key)}"]`);
  if (!target) return false;
  if (key === "e") {
    target.parentElement.open = true;
    document.getElementById("fl-reason").focus();
  } else if (key === "p") target.focus();
  else target.click();
  return true;
}

function neighbour(by) {
  try {
    const numbers = JSON.parse(sessionStorage.getItem(ORDER) ?? "[]");
    const next = numbers[numbers.indexOf(page.dataset.number) + by];
    if (!numbers.includes(page.dataset.number) || !next) return false;
    window.location.assign(`/inbox/${next}${window.location.search.replace(/([?&])done=[^&]*&?/, "$1")}`);
    return true;
  } catch {
    return false;
  }
}

function write(mode) {
  composer.elements.writing.value = mode;
  box.focus();
  keep();
  return true;
}

function keep() {
  try {
    const name = KEPT + page.dataset.id;
    if (!box.value.trim()) localStorage.removeItem(name);
    else localStorage.setItem(name, JSON.stringify({ text: box.value, mode: composer.elements.writing.value, at: Date.now() }));
  } catch {
    // full, or closed to us: the form works without
  }
}

function restore() {
  try {
    const old = Date.now() - KEPT_DAYS * 86_400_000;
    for (const name of Object.keys(localStorage).filter((one) => one.startsWith(KEPT))) {
      if (!(JSON.parse(localStorage.getItem(name))?.at > old)) localStorage.removeItem(name);
    }
    const name = KEPT + page.dataset.id;
    if (["reply", "note"].includes(page.dataset.done)) localStorage.removeItem(name);
    const kept = JSON.parse(localStorage.getItem(name));
    if (!kept || box.value) return;
    box.value = kept.text;
    composer.elements.writing.value = kept.mode;
    document.getElementById("fl-kept").textContent = words.kept;
  } catch {
    // storage is closed to us
  }
}

if (page) {
  restore();
  if (page.dataset.done) {
    // Loaded again, the page does not say once more what was done, and keeps what was typed since.
    const address = new URL(window.location.href);
    address.searchParams.delete("done");
    address.hash = "";
    window.history.replaceState(window.history.state, "", address);
  }
  try {
    sessionStorage.setItem(`${ORDER}-at`, page.dataset.number);
  } catch {
    // storage is closed to us
  }
  let waiting = 0;
  composer.addEventListener("input", () => {
    clearTimeout(waiting);
    waiting = setTimeout(keep, 300);
  });
  window.addEventListener("pagehide", keep);
  box.addEventListener("keydown", (event) => {
    if (event.key !== "Enter" || !(event.ctrlKey || event.metaKey)) return;
    event.preventDefault();
    const button = composer.querySelector(`button[value=${composer.elements.writing.value}]`);
    composer.requestSubmit(button);
  });
  composer.addEventListener("submit", keep);
}

/* ---- news ---- */

const news = document.getElementById("fl-news");

async function look() {
  if (document.visibilityState !== "visible") return;
  try {
    const reply = await fetch(news.dataset.news, { headers: { Accept: "application/json" }, redirect: "error" });
    if (!reply.ok) return;
    const told = (await reply.json()).words;
    const link = news.querySelector("a");
    if (link.textContent !== told) link.textContent = told;
    link.hidden = !told;
  } catch {
    // no network: the next look may go well
  }
}

setInterval(look, NEWS_MS);
document.addEventListener("visibilitychange", look);

// What was just done, or what is wrong with it, is what to read first.
(document.getElementById("fl-summary") ?? document.getElementById("fl-done"))?.focus();
