/*
 * The search box: articles show below it while a question is typed (the combobox pattern of the ARIA Authoring
 * Practices). Without this script the box is a plain form that searches.
 */

const DEBOUNCE_MS = 120;
const ROWS = 5;
const FEWEST = 3;
const FEWEST_WIDE = 2; // in Chinese, Japanese and Korean two characters are a word already
const WIDE = /[\u1100-\u11ff\u3040-\u30ff\u3130-\u318f\u3400-\u4dbf\u4e00-\u9fff\uac00-\ud7af]/;
const LONGEST = 500; // the address has to stay short; nobody looks at suggestions for more
const REMEMBERED = 40;

function complete(form) {
  const input = form.elements.q;
  const words = JSON.parse(form.dataset.words);
  const known = new Map(); // what was asked before is not asked again: going back a letter shows at once
  let timer = 0;
  let running = null;
  let wanted = ""; // what the next reply has to belong to
  let active = -1;

  const list = element("div", { class: "completions", role: "listbox", id: `${input.id}-list`, "aria-label": words.label });
  list.hidden = true;
  const status = element("p", { class: "unseen", role: "status" });
  form.append(list);
  // Where nobody uses the box, other parts of the page speak alone.
  if (document.activeElement === input) form.append(status);
  else input.addEventListener("focus", () => form.append(status), { once: true });
  for (const [name, value] of Object.entries({
    role: "combobox",
    "aria-autocomplete": "list",
    "aria-controls": list.id,
    "aria-expanded": "false",
  })) input.setAttribute(name, value);

  /* ---- asking ---- */

  function typed() {
    return input.value.replace(/^\s+/, "").slice(0, LONGEST);
  }

  function enough(text) {
    return [...text.replace(/\s/g, "")].length >= (WIDE.test(text) ? FEWEST_WIDE : FEWEST);
  }

  function schedule() {
    clearTimeout(timer);
    const text = typed();
    if (!enough(text)) {
      forget();
      close();
    } else if (known.has(text)) {
      wanted = text;
      show(known.get(text), text);
    } else {
      timer = setTimeout(ask, DEBOUNCE_MS, text);
    }
  }

  async function ask(text) {
    forget();
    wanted = text;
    running = new AbortController();
    const query = new URLSearchParams({ q: text, lang: form.dataset.lang, limit: String(ROWS) });
    if (form.elements.topic?.value) query.set("topic", form.elements.topic.value);
    try {
      const reply = await fetch(`${form.dataset.suggest}?${query}`, { signal: running.signal });
      if (!reply.ok) throw new Error(String(reply.status));
      const { suggestions } = await reply.json();
      if (known.size >= REMEMBERED) known.delete(known.keys().next().value);
      known.set(text, suggestions);
      if (wanted === text) show(suggestions, text);
    } catch (error) {
      // Searching works without suggestions; whoever types must not be bothered because they are missing.
      if (error.name !== "AbortError" && wanted === text) close();
    }
  }

  /* A reply that is still on its way belongs to older words. */
  function forget() {
    clearTimeout(timer);
    running?.abort();
    wanted = "";
  }

  /* ---- showing ---- */

  function show(suggestions, text) {
    if (document.activeElement !== input) return;
    list.replaceChildren(...suggestions.map(row), last(text.trim()));
    [...list.children].forEach((option, n) => option.setAttribute("id", `${list.id}-${n}`));
    list.hidden = false;
    input.setAttribute("aria-expanded", "true");
    choose(-1);
    const said = words.found[Math.min(suggestions.length, words.found.length - 1)];
    if (status.textContent !== said) status.textContent = said;
  }

  function close() {
    list.hidden = true;
    list.replaceChildren();
    input.setAttribute("aria-expanded", "false");
    status.textContent = "";
    choose(-1);
  }

  function choose(number) {
    list.children[active]?.setAttribute("aria-selected", "false");
    active = number;
    const option = list.children[active];
    if (!option) {
      input.removeAttribute("aria-activedescendant");
      return;
    }
    option.setAttribute("aria-selected", "true");
    option.scrollIntoView({ block: "nearest" });
    input.setAttribute("aria-activedescendant", option.id);
  }

  /* Text is set as text: what an article or a person wrote never becomes markup here. */
  function row(found) {
    const { title, heading, url, snippet, lang, language, topic_name: topic, marks } = found;
    const foreign = lang !== form.dataset.lang;
    const option = element("a", { role: "option", tabindex: "-1", "aria-selected": "false", href: address(url, foreign) });
    const name = element("span", { class: "name", lang, dir: "auto" });
    name.append(...marked(title, marks.title));
    if (heading) name.append(element("span", { class: "where" }, ` › ${heading}`));
    option.append(name);
    if (!marks.title.length && marks.snippet.length) {
      const line = element("span", { class: "line", lang, dir: "auto" });
      line.append(...marked(snippet, marks.snippet));
      option.append(line);
    }
    const about = [topic, foreign ? language : ""].filter(Boolean).join(" · ");
    if (about) option.append(element("span", { class: "about" }, about));
    return option;
  }

  function last(text) {
    const query = new URLSearchParams(new FormData(form));
    query.set("q", text);
    const option = element("a", {
      role: "option",
      tabindex: "-1",
      "aria-selected": "false",
      class: "all",
      href: `${form.getAttribute("action")}?${query}`,
    });
    option.append(element("span", { class: "name" }, words.search.replace("{words}", () => text)));
    return option;
  }

  /* An article in another language is told which one its reader would rather have. */
  function address(url, foreign) {
    const [path, anchor] = url.split("#");
    return `${path}${foreign ? `?lang=${encodeURIComponent(form.dataset.lang)}` : ""}${anchor ? `#${anchor}` : ""}`;
  }

  /* ---- keys ---- */

  function press(event) {
    if (event.isComposing || event.keyCode === 229) return; // the key belongs to the input method
    const open = !list.hidden;
    const count = list.children.length;
    if ((event.key === "ArrowDown" || event.key === "ArrowUp") && !event.altKey && !event.ctrlKey && !event.metaKey) {
      if (!open) schedule();
      else choose(event.key === "ArrowDown" ? (active + 2) % (count + 1) - 1 : (active + count + 1) % (count + 1) - 1);
      event.preventDefault();
    } else if (event.key === "Enter" && open && active >= 0) {
      event.preventDefault();
      list.children[active].click();
    } else if (event.key === "Escape" && (open || input.value)) {
      event.preventDefault();
      forget();
      if (!open) input.value = "";
      close();
    }
  }

  input.addEventListener("input", (event) => event.isComposing || schedule());
  input.addEventListener("compositionend", schedule);
  input.addEventListener("keydown", press);
  input.addEventListener("blur", () => {
    forget();
    close();
  });
  // A click must not take the focus away before it arrives.
  list.addEventListener("mousedown", (event) => event.preventDefault());
  form.addEventListener("submit", () => {
    forget();
    close();
  });
  window.addEventListener("pageshow", (event) => event.persisted && close());
  return input;
}

/* Positions count UTF-16 code units, as slices of strings do. */
function marked(text, marks) {
  const pieces = [];
  let at = 0;
  for (const [start, end] of marks) {
    pieces.push(text.slice(at, start), element("mark", {}, text.slice(start, end)));
    at = end;
  }
  return [...pieces, text.slice(at)];
}

function element(name, attributes, text = "") {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  made.textContent = text;
  return made;
}

const forms = document.querySelectorAll("form[data-suggest][role=search]");
const boxes = [...forms].map(complete);

/* A slash leads to the box, unless it is being typed somewhere. */
document.addEventListener("keydown", (event) => {
  if (event.key !== "/" || event.ctrlKey || event.metaKey || event.altKey || event.isComposing || !boxes.length) return;
  const at = event.composedPath()[0];
  if (at instanceof Element && (at.matches("input, textarea, select") || at.isContentEditable)) return;
  event.preventDefault();
  boxes[0].focus();
  boxes[0].select();
});
