/*
 * A preview: the page is loaded anew when what it shows was saved, the bar above it when anything else changed.
 * Without this script a reload by hand shows the same.
 */
"use strict";

const PLACE = "fl-preview-place";

let asking = false;
let again = false;

const bar = () => document.getElementById("fl-preview");
const words = () => JSON.parse(bar().dataset.words);

/* Somebody who types keeps the page; the next reload is theirs. */
function typing() {
  const field = document.activeElement;
  return field instanceof HTMLElement && field.matches("main :is(input, textarea)") && field.value !== field.defaultValue;
}

function say(text) {
  const line = bar().querySelector(".pv-gone");
  line.textContent = text;
  line.hidden = text === "";
  document.getElementById("fl-preview-said").textContent = text;
}

async function refresh() {
  if (asking) {
    again = true;
    return;
  }
  asking = true;
  do {
    again = false;
    try {
      const reply = await fetch(bar().dataset.bar, { headers: { Accept: "text/html" } });
      if (reply.ok) {
        show(new DOMParser().parseFromString(await reply.text(), "text/html").getElementById("fl-preview"));
      }
    } catch {
      again = false; // gone: the stream says so, and tells when it is back
    }
  } while (again);
  asking = false;
}

function show(fresh) {
  const old = bar();
  const stale = fresh.dataset.state !== old.dataset.state;
  if (stale && !typing()) {
    sessionStorage.setItem(PLACE, JSON.stringify({ path: location.pathname, anchor: fresh.dataset.place }));
    location.reload();
    return;
  }
  const open = [...old.querySelectorAll("details[data-keep]")].map((one) => [one.dataset.keep, one.open]);
  const focused = old.contains(document.activeElement) ? document.activeElement.textContent : null;
  old.replaceWith(document.adoptNode(fresh));
  for (const [name, was] of open) {
    const details = fresh.querySelector(`details[data-keep="${name}"]`);
    if (details && was) details.open = true;
  }
  if (focused !== null) {
    [...fresh.querySelectorAll("a, button, summary")].find((one) => one.textContent === focused)?.focus();
  }
  if (stale) {
    say(words().older);
    fresh.dataset.state = old.dataset.state;
  }
}

/* The browser keeps the place in the page. Where what changed is out of sight, it is shown. */
function goToPlace() {
  const kept = sessionStorage.getItem(PLACE);
  sessionStorage.removeItem(PLACE);
  const { path, anchor } = kept ? JSON.parse(kept) : {};
  const element = path === location.pathname && anchor ? document.getElementById(anchor) : null;
  if (!element) return;
  const go = () => {
    const { top, bottom } = element.getBoundingClientRect();
    if (bottom < 0 || top > innerHeight) element.scrollIntoView({ block: "center" });
  };
  // The browser goes back to the place of before until all is loaded, and would do so after us.
  const later = () => requestAnimationFrame(() => requestAnimationFrame(go));
  if (document.readyState === "complete") later();
  else addEventListener("load", later, { once: true });
}

const stream = new EventSource(`/preview/events?seen=${bar().dataset.run}`);
let gone = false;

stream.addEventListener("message", (event) => {
  const { run, revision } = JSON.parse(event.data);
  if (`${run}-${revision}` !== bar().dataset.run) refresh();
});
stream.addEventListener("open", () => {
  if (gone) {
    gone = false;
    say("");
    refresh();
  }
});
stream.addEventListener("error", () => {
  gone = true;
  say(words().gone);
});

goToPlace();
// What takes a moment to find out is not in the page yet. While the answers are brought up to date the stream tells more.
if (bar().querySelector("[data-waiting]") && bar().dataset.busy === "false") refresh();
