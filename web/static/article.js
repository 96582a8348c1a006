/*
 * An article: the contents show where the reader is, headings give their address and code its text at a click.
 * Without this script the contents are links, and so is the sign beside a heading.
 */
"use strict";

const SHOWN_MS = 2_000;
const TOP = 96; // a heading this near to the top of the window is the one being read, in pixels

const article = document.querySelector("article[data-words]");
const words = JSON.parse(article.dataset.words);
const status = document.getElementById("fl-copied");

/* ---- copying ---- */

async function copy(text) {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    return copyBySelecting(text); // without TLS there is no clipboard to write to
  }
}

function copyBySelecting(text) {
  const field = document.createElement("textarea");
  const focused = document.activeElement;
  field.className = "unseen";
  field.value = text;
  document.body.append(field);
  field.select();
  const done = document.execCommand("copy");
  field.remove();
  focused?.focus({ preventScroll: true });
  return done;
}

let forgetting = () => {};
let timer = 0;

async function copyAndTell(text, button) {
  const said = (await copy(text)) ? words.copied : words.failed;
  clearTimeout(timer);
  forgetting(); // what was copied just before says so no longer
  forgetting = () => {
    delete button.dataset.said;
    status.textContent = "";
  };
  button.dataset.said = said;
  status.textContent = said;
  timer = setTimeout(forgetting, SHOWN_MS);
}

for (const link of article.querySelectorAll("a.anchor")) {
  link.addEventListener("click", () => copyAndTell(link.href, link)); // and the address changes as it does by itself
}

for (const block of article.querySelectorAll("pre")) {
  const frame = document.createElement("div");
  frame.className = "code";
  const button = document.createElement("button");
  button.type = "button";
  button.className = "copy";
  button.lang = document.documentElement.lang;
  button.setAttribute("aria-label", words.copyCode);
  button.textContent = words.copy;
  button.addEventListener("click", () => copyAndTell(block.textContent.replace(/\n$/, ""), button));
  block.replaceWith(frame);
  frame.append(block, button);
}

/* ---- where the reader is ---- */

/* As it is written where it is no encoding: a heading may have a percent sign. */
function anchorOf({ hash }) {
  try {
    return decodeURIComponent(hash.slice(1));
  } catch {
    return hash.slice(1);
  }
}

const entries = [...document.querySelectorAll(".contents a")]
  .map((link) => ({ link, heading: document.getElementById(anchorOf(link)) }))
  .filter(({ heading }) => heading);

function mark() {
  const atEnd = window.innerHeight + window.scrollY >= document.documentElement.scrollHeight - 2;
  const passed = entries.filter(({ heading }) => heading.getBoundingClientRect().top <= TOP);
  const current = atEnd && window.scrollY > 0 ? entries.at(-1) : passed.at(-1);
  for (const { link } of entries) {
    if (link === current?.link) link.setAttribute("aria-current", "true");
    else link.removeAttribute("aria-current");
  }
}

if (entries.length) {
  // A line below the top of the window: a heading that crosses it begins or ends what is being read.
  const observer = new IntersectionObserver(mark, { rootMargin: `-${TOP}px 0px 0px 0px`, threshold: [0, 1] });
  for (const { heading } of entries) observer.observe(heading);
  observer.observe(document.querySelector(".foot"));
}
