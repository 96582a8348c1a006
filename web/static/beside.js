/*
 * The panel beside a ticket: inserts an article's steps or its link into the reply, and shows what a form did without
 * leaving the page. In the frame of another desk it copies instead, and tells that desk with a message. Without this
 * script the shown words can be copied by hand, and the forms work all the same.
 */
"use strict";

const PART = { "X-Firstline-Part": "panel" };

let panel = document.getElementById("fl-panel");
if (panel) begin();

function begin() {
  const words = JSON.parse(panel.dataset.words);
  const framed = panel.hasAttribute("data-origins");
  const reply = () => document.getElementById("fl-reply");

  document.addEventListener("click", (event) => {
    const button = event.target.closest?.("#fl-panel button");
    if (!button) return;
    const item = button.closest("li");
    if (button.hasAttribute("data-insert")) {
      if (button.hasAttribute("data-ask")) ask(item, true);
      else insert(button, item);
    } else if (button.hasAttribute("data-anyway")) {
      ask(item, false);
      insert(item.querySelector("[data-insert=steps]"), item);
    } else if (button.hasAttribute("data-not")) {
      ask(item, false);
      item.querySelector("[data-insert=steps]").focus();
    }
  });

  document.addEventListener("submit", (event) => {
    const form = event.target;
    if (!panel.contains(form) || !form.hasAttribute("data-part")) return;
    event.preventDefault();
    send(form, event.submitter);
  });

  show();
  tell({ type: "ready" });

  /* The buttons that need this script, where there is something to insert into. */
  function show() {
    for (const button of panel.querySelectorAll("[data-insert]")) button.hidden = !framed && !reply();
  }

  function ask(item, open) {
    const question = item.querySelector(".ask");
    question.hidden = !open;
    if (open) question.querySelector("[data-anyway]").focus();
  }

  async function insert(button, item) {
    const { insert: kind, text, url = "" } = button.dataset;
    const { article, lang } = item.dataset;
    if (framed) {
      tell({ type: "insert", kind, text, url, article, lang });
      say((await copy(text)) ? words.copied : words.notCopied);
      return;
    }
    const field = reply();
    const { selectionStart: start, selectionEnd: end, value } = field;
    const before = value.slice(0, start);
    // Whole paragraphs stand apart from what was written before and after; a link stands where the caret is.
    const above = kind === "steps" && before && !before.endsWith("\n\n") ? (before.endsWith("\n") ? "\n" : "\n\n") : "";
    const below = kind === "steps" && !value.slice(end).startsWith("\n") ? "\n" : "";
    field.setRangeText(above + text + below, start, end, "end");
    field.dispatchEvent(new Event("input", { bubbles: true }));
    field.focus();
    say(words.inserted);
  }

  async function send(form, submitter) {
    const buttons = [...form.querySelectorAll("button")];
    if (form.dataset.sending) return; // a double click sends once
    form.dataset.sending = "yes";
    for (const button of buttons) button.setAttribute("aria-disabled", "true");
    const given = new URLSearchParams(new FormData(form, submitter));
    const search = form.method === "get";
    const address = search ? `${panel.dataset.address}?${given}` : form.action;
    try {
      const answer = await fetch(address, {
        method: search ? "GET" : "POST",
        body: search ? undefined : given,
        headers: PART,
      });
      if (![200, 422].includes(answer.status)) throw new Error(String(answer.status));
      put(await answer.text(), form);
      if (!search && answer.ok) {
        const done = form.action.slice(form.action.lastIndexOf("/") + 1);
        const article = given.get("article_id") ?? "";
        document.dispatchEvent(new CustomEvent("firstline:changed", { detail: { done, article } }));
        tell({ type: done, article });
      }
    } catch {
      for (const button of buttons) button.removeAttribute("aria-disabled");
      delete form.dataset.sending;
      say(words.failed);
    }
  }

  /* The panel anew; previews stay open, and the focus goes to what is new. */
  function put(html, form) {
    const open = new Set([...panel.querySelectorAll("details.preview[open]")].map(name));
    const made = document.createRange().createContextualFragment(html).querySelector("#fl-panel");
    const look = form.classList.contains("look");
    panel.replaceWith(made);
    panel = made;
    for (const details of panel.querySelectorAll("details.preview")) {
      if (open.has(name(details))) details.open = true;
    }
    show();
    const wrong = panel.querySelector("[role=alert]");
    const field = wrong?.closest(".field")?.querySelector("textarea") ?? wrong?.closest("form")?.querySelector("input[type=radio]");
    (field ?? (look ? panel.querySelector("#fl-look") : panel.querySelector("#fl-panel-said")))?.focus();
    if (look) panel.querySelector("#fl-look").select();
  }

  function name(details) {
    return details.closest("li").dataset.article;
  }

  function say(sentence) {
    const status = panel.querySelector("#fl-panel-status");
    status.textContent = "";
    status.textContent = sentence;
    status.classList.remove("unseen");
  }

  async function copy(text) {
    try {
      await navigator.clipboard.writeText(text);
      return true;
    } catch {
      // A frame may use the clipboard only where the desk around it lets it; the old way works in more of them.
      const field = Object.assign(document.createElement("textarea"), { value: text, className: "unseen" });
      panel.append(field);
      field.select();
      const copied = document.execCommand("copy");
      field.remove();
      return copied;
    }
  }

  /* Only the desk that frames the panel is told, and only if the settings name it. */
  function tell(message) {
    if (!framed || window.parent === window) return;
    const known = panel.dataset.origins.split(" ").filter(Boolean);
    const around = location.ancestorOrigins?.[0] ?? originOf(document.referrer);
    const targets = known.includes(around) ? [around] : around === location.origin || !around ? known : [];
    for (const origin of targets) window.parent.postMessage({ source: "firstline", ...message }, origin);
  }

  function originOf(address) {
    try {
      return new URL(address).origin;
    } catch {
      return "";
    }
  }
}
