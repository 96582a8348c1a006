/*
 * Firstline's widget: asks the help centre, and sends a ticket where it does not know.
 *
 *   <script src="https://help.example.com/widget.js" data-title="Help" data-lang="en" data-color="#1f5fbf" async></script>
 *
 * Its shadow root keeps styles apart. It is open: there are no secrets in it, and accessibility checkers must look inside.
 * Of a Content-Security-Policy it needs this script, connections and pictures of the help centre, and no inline style.
 */
(() => {
  "use strict";

  const script = document.currentScript;
  const mark = Symbol.for("firstline.widget");
  if (!script?.src || window[mark]) return; // one widget a page, however many tags
  window[mark] = true;

  const BASE = new URL(script.src).origin;
  const TITLE = (script.dataset.title || "").trim() || "Help";
  const COLOUR = /^#[0-9a-f]{6}$/i.test(script.dataset.color || "") ? script.dataset.color : "#1f5fbf";
  const SLOW_AFTER_MS = 8_000;
  const GIVE_UP_AFTER_MS = 20_000;
  const LONGEST_SUBJECT = 150;
  const MOST_DECLINED = 20; // what the API takes

  const WORDS = {
    close: "Close",
    question: "What do you need help with?",
    questionHint: "Ask in your own words, as you would ask a colleague.",
    ask: "Send",
    questionEmpty: "Type a question, in your own words.",
    helpCentre: "Help centre",
    newTab: "(opens in a new tab)",
    loading: "Looking through the articles…",
    understood: (text) => `Understood as: ${text}`,
    found: (title) => `This article may help: ${title}`,
    source: (title) => `Read the whole article: ${title}`,
    solved: "This solved it",
    notSolved: "It did not help",
    which: "Which of these do you mean?",
    neither: "Neither of these",
    noneSolved: "None of these helped",
    glad: "Good to hear that this solved it.",
    again: "Ask another question",
    others: "These may help too",
    some: (count) => `We found ${["", "one article", "two articles", "three articles"][count]} that may help`,
    sorry: "Sorry that this did not help.",
    sorryNeither: "Sorry that neither of them fits.",
    sorryNext: "Send a ticket, and a person will look at it. You can also ask again in other words.",
    insteadOne: "This one may fit better. If not, send a ticket and a person will look at it.",
    insteadNext: "One of these may fit better. If not, send a ticket and a person will look at it.",
    unknown: "I don’t know this one yet. Your question goes to the people who write the articles.",
    unknownNext: "Send a ticket if you need an answer from a person.",
    ticket: "Send a ticket",
    back: "Back to your question",
    ticketTitle: "Send a ticket",
    ticketIntro: "A person reads it and replies by e\u2011mail.",
    email: "Your e-mail address",
    subject: "Subject",
    body: "Description",
    bodyHint: "What did you do, what happened, and what did you expect?",
    sendTicket: "Send ticket",
    sending: "Sending…",
    mend: (count) => (count === 1 ? "One field needs a change." : `${count} fields need a change.`),
    sent: (number) => `Ticket ${number} is sent`,
    sentNext: (email) => `We reply to ${email}. Please keep the number in case you call.`,
    slow: "This takes longer than usual. You can keep waiting, or use the ",
    tooSlow: "The help centre did not answer in time.",
    down: "The help centre cannot be reached from this page right now.",
    offline: "You seem to be offline.",
    broken: "Something went wrong on our side.",
    kept: " Your words are still here. Try again in a moment, or use the ",
    ticketPage: "ticket page",
    retry: "Try again",
    ticketTooSlow: "We cannot tell whether your ticket arrived. Send it again: it will not arrive twice. Or use the ",
    ticketTwice: "Your ticket arrived as you first wrote it. To send the changed one as well, send it again, or use the ",
  };

  /* the page's language, the visit */

  const languageOf = (tag) => /^[a-z]{2}(?=$|[-_])/i.exec(tag || "")?.[0].toLowerCase();
  let lang = languageOf(script.dataset.lang) || languageOf(document.documentElement.lang);

  /** 32 hexadecimal digits; crypto.randomUUID is missing on pages without https. */
  function randomId() {
    return [...crypto.getRandomValues(new Uint8Array(16))].map((byte) => byte.toString(16).padStart(2, "0")).join("");
  }

  /** Ties the questions and tickets of one visit together; where storage is forbidden, of one page view. */
  const session = (() => {
    const fresh = randomId();
    try {
      const kept = sessionStorage.getItem("firstline-session");
      if (/^[0-9a-f]{32}$/.test(kept || "")) return kept;
      sessionStorage.setItem("firstline-session", fresh);
    } catch {
      // a sandboxed frame or blocked storage
    }
    return fresh;
  })();

  /* talking to the help centre */

  /** Sends one request; never throws. `status` is 0 where nothing came back that we understand. */
  async function post(path, body, { key, slow, signal, keepalive } = {}) {
    const controller = new AbortController();
    const patience = slow && setTimeout(slow, SLOW_AFTER_MS);
    let timedOut = false;
    const limit = setTimeout(() => {
      timedOut = true;
      controller.abort();
    }, GIVE_UP_AFTER_MS);
    signal?.addEventListener("abort", () => controller.abort());
    try {
      const response = await fetch(`${BASE}/api/v1/${path}`, {
        method: "POST",
        headers: { "Content-Type": "application/json", ...(key && { "Idempotency-Key": key }) },
        body: JSON.stringify(body),
        credentials: "omit",
        keepalive,
        signal: controller.signal,
      });
      const data = response.status === 204 ? {} : await response.json();
      return { ok: response.ok, status: response.status, data };
    } catch (error) {
      if (!controller.signal.aborted) {
        console.warn(`Firstline: no reply from ${BASE}. Its widget_origins must list ${location.origin}.`, error);
      }
      return { ok: false, status: 0, data: {}, timedOut };
    } finally {
      clearTimeout(patience);
      clearTimeout(limit);
    }
  }

  /** The same with the page's language; where the server does not know that language, again without it. */
  async function postInLanguage(path, body, options) {
    const reply = await post(path, { ...body, lang, session }, options);
    if (!lang || !reply.data.errors?.some((error) => error.field === "lang")) return reply;
    lang = undefined;
    return postInLanguage(path, body, options);
  }

  /** What is told of a reply may get lost without harm: the person is not bothered with it. */
  function tell(outcome, articleId) {
    const path = `questions/${encodeURIComponent(state.reply.id)}/outcome`;
    post(path, { outcome, article_id: articleId || "" }, { keepalive: true }); // arrives though the page is left
  }

  /** Why a request failed, in words that lead into the link to the ticket page. */
  function excuse({ status, data, timedOut }) {
    const silent = navigator.onLine === false ? WORDS.offline : WORDS.down;
    const why = timedOut ? WORDS.tooSlow : status ? data.detail || WORDS.broken : silent;
    return why + WORDS.kept;
  }

  /* building blocks */

  /** An element; attributes that are functions are listeners, children that are strings are text, never markup. */
  function el(tag, attributes = {}, ...children) {
    const node = document.createElement(tag);
    for (const [name, value] of Object.entries(attributes)) {
      if (typeof value === "function") node.addEventListener(name, value);
      else if (value !== undefined) node.setAttribute(name, value === true ? "" : value);
    }
    node.append(...children.filter(Boolean));
    return node;
  }

  function icon(path) {
    const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
    const line = document.createElementNS("http://www.w3.org/2000/svg", "path");
    for (const [name, value] of Object.entries({ viewBox: "0 0 24 24", width: 20, height: 20, "aria-hidden": "true" })) {
      svg.setAttribute(name, value);
    }
    line.setAttribute("d", path);
    svg.append(line);
    return svg;
  }

  const button = (text, look, onClick) => el("button", { type: "button", class: look, click: onClick }, text);

  /** A link to the help centre. It opens beside the page, so that nothing typed there or here is lost. */
  function newTab(address, text, onClick = () => {}) {
    const hint = el("span", { class: "unseen" }, ` ${WORDS.newTab}`);
    return el("a", { href: address, target: "_blank", rel: "noopener", click: onClick }, text, hint);
  }

  /** A label above its control, a hint below the label, and a place for what is wrong with it. */
  function field(name, label, hint, control) {
    const id = `field-${name}`;
    const error = el("p", { class: "error", id: `${id}-error`, hidden: true });
    const hintNode = hint && el("p", { class: "hint", id: `${id}-hint` }, hint);
    control.id = id;
    control.setAttribute("aria-describedby", hint ? `${id}-hint ${id}-error` : `${id}-error`);
    const complain = (message) => {
      error.textContent = message;
      error.hidden = !message;
      if (message) control.setAttribute("aria-invalid", "true");
      else control.removeAttribute("aria-invalid");
    };
    control.addEventListener("input", () => complain(""));
    const node = el("div", { class: "field" }, el("label", { for: id }, label), hintNode, error, control);
    return { node, control, complain };
  }

  /**
   * An article's own words. `html` was sanitised (an allow list) by the server this script comes from, so it may be set
   * as HTML: the only place where that is done. In a template nothing loads before links and pictures are put right.
   */
  function articleWords(answer) {
    const words = el("div", { class: "words", lang: answer.lang, dir: "auto" });
    const template = document.createElement("template");
    try {
      state.policy ||= window.trustedTypes?.createPolicy("firstline", { createHTML: (html) => html });
      template.innerHTML = state.policy ? state.policy.createHTML(answer.html) : answer.html;
    } catch {
      // a page with Trusted Types that does not know us: the same words without markup
      words.append(el("p", { class: "plain" }, answer.text));
      return words;
    }
    template.content.querySelectorAll("a[href]").forEach((link) => pointToHelpCentre(link, answer.url));
    template.content.querySelectorAll("img").forEach(loadFromHelpCentre);
    words.append(template.content);
    return words;
  }

  function pointToHelpCentre(link, articleUrl) {
    let address;
    try {
      address = new URL(link.getAttribute("href"), BASE + articleUrl);
    } catch {
      // no address at all
    }
    if (!/^(https?|mailto|tel):$/.test(address?.protocol)) {
      link.removeAttribute("href");
      return;
    }
    link.href = address.href;
    if (!address.protocol.startsWith("http")) return;
    link.target = "_blank";
    link.rel = "noopener";
  }

  /** Pictures come from the help centre or not at all: no reader's browser asks somebody else's server. */
  function loadFromHelpCentre(picture) {
    const source = picture.getAttribute("src") || "";
    if (!/^\/(?!\/)/.test(source)) {
      picture.replaceWith(picture.alt);
      return;
    }
    picture.crossOrigin = "anonymous"; // an isolated page (COEP) takes no other
    picture.loading = "lazy";
    picture.src = BASE + source;
  }

  /* the panel */

  const state = {
    turn: 0, // counts the questions; a reply to an older one is dropped
    stop: null, // ends the request of the question before
    reply: null,
    opened: "", // the article opened last
    declined: new Set(),
    key: "", // the ticket form's Idempotency-Key
    prefilled: { subject: "", body: "" },
    sending: false,
    policy: null, // for pages with Trusted Types
  };

  const announcer = el("p", { class: "unseen", role: "status" });
  const results = el("div", { class: "results", tabindex: "-1" });
  const footerTicket = button(WORDS.ticket, "quiet", openTicket);
  const footer = el("footer", {}, newTab(`${BASE}/`, WORDS.helpCentre), footerTicket);

  const question = field(
    "question",
    WORDS.question,
    WORDS.questionHint,
    el("textarea", { rows: 1, enterkeyhint: "send", autocomplete: "off", keydown: sendOnEnter }),
  );
  const askForm = el(
    "form",
    { class: "ask", novalidate: true, submit: (event) => (event.preventDefault(), ask()) },
    question.node,
    el("button", { type: "submit", class: "primary" }, WORDS.ask),
  );
  const askView = el("div", { class: "view" }, askForm, results);

  const fields = {
    email: field("email", WORDS.email, "", el("input", { type: "email", autocomplete: "email", required: true })),
    subject: field("subject", WORDS.subject, "", el("input", { type: "text", autocomplete: "off", required: true })),
    body: field("body", WORDS.body, WORDS.bodyHint, el("textarea", { rows: 6, required: true })),
  };
  const ticketNotice = el("div", { class: "notice-place" });
  const ticketSubmit = el("button", { type: "submit", class: "primary" }, WORDS.sendTicket);
  const ticketHeading = el("h3", { tabindex: "-1" }, WORDS.ticketTitle);
  const ticketForm = el(
    "form",
    { novalidate: true, submit: (event) => (event.preventDefault(), sendTicket()) },
    ticketHeading,
    el("p", {}, WORDS.ticketIntro),
    ...Object.values(fields).map(({ node }) => node),
    ticketNotice,
    ticketSubmit,
  );
  const ticketView = el("div", { class: "view", hidden: true }, button(WORDS.back, "quiet back", showQuestion), ticketForm);
  const sentView = el("div", { class: "view", hidden: true });

  const title = el("h2", { id: "title" }, TITLE);
  const closeButton = el(
    "button",
    { type: "button", class: "close", "aria-label": WORDS.close, click: () => panel.close() },
    icon("M6 6l12 12M18 6L6 18"),
  );
  const panel = el(
    "dialog",
    { id: "panel", role: "dialog", "aria-labelledby": "title", close: closed },
    el("header", {}, title, closeButton),
    el("div", { class: "scroll" }, askView, ticketView, sentView),
    footer,
    announcer,
  );
  const launcher = el(
    "button",
    { type: "button", class: "launcher", "aria-expanded": "false", "aria-haspopup": "dialog", "aria-controls": "panel", click: toggle },
    icon("M12 3a9 9 0 0 0-7.8 13.5L3 21l4.6-1.2A9 9 0 1 0 12 3M9.6 9.4a2.5 2.5 0 1 1 3.5 2.3c-.7.3-1.1.8-1.1 1.5M12 16.2v.1"),
    el("span", {}, TITLE),
  );

  function toggle() {
    if (panel.open) panel.close();
    else open();
  }

  /** On a phone the panel covers the page, so the page behind it is out of reach until it is closed. */
  function open() {
    if (matchMedia(COVERING).matches) panel.showModal();
    else panel.show();
    launcher.setAttribute("aria-expanded", "true");
    if (!sentView.hidden) focusOn(sentView.querySelector("h3"));
    else if (!ticketView.hidden) focusOn(ticketHeading);
    else focusOn(question.control);
  }

  function closed() {
    launcher.setAttribute("aria-expanded", "false");
    focusOn(launcher);
  }

  function keyPressed(event) {
    event.stopPropagation(); // the page's own shortcuts must not act on what is typed here
    if (event.key !== "Escape" || event.isComposing || !panel.open) return;
    event.preventDefault();
    panel.close();
  }

  function focusOn(node) {
    node.focus({ preventScroll: node === launcher || node === results }); // neither moves the page nor the panel
  }

  /** The same words twice in a row are read out twice: a region that does not change stays silent. */
  function announce(text) {
    announcer.textContent = announcer.textContent === text ? `${text}\u00a0` : text;
  }

  function show(view) {
    for (const other of [askView, ticketView, sentView]) other.hidden = other !== view;
    footer.hidden = view !== askView;
    view.parentNode.scrollTop = 0;
  }

  /* asking */

  function sendOnEnter(event) {
    if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
    event.preventDefault();
    ask();
  }

  async function ask() {
    const asked = question.control.value.trim();
    question.complain(asked ? "" : WORDS.questionEmpty);
    if (!asked) return focusOn(question.control);
    const turn = ++state.turn;
    state.stop?.abort();
    state.stop = new AbortController();
    state.reply = null;
    state.opened = "";
    askForm.classList.add("asked");
    showLoading();
    const slow = () => {
      if (turn !== state.turn) return;
      results.append(notice(WORDS.slow));
      announce(`${WORDS.slow}${WORDS.ticketPage}.`);
    };
    const reply = await postInLanguage("ask", { question: asked, channel: "widget" }, { slow, signal: state.stop.signal });
    if (turn !== state.turn) return; // a newer question wins
    if (reply.ok) {
      state.reply = reply.data;
      showReply();
    } else if (reply.data.code === "question_invalid") {
      showResults(reply.data.detail);
      question.complain(reply.data.detail);
    } else {
      showFailure(excuse(reply));
    }
    leaveKeyboard(asked);
  }

  /** On a touch screen the keyboard would cover the reply; who types on meanwhile is left alone. */
  function leaveKeyboard(asked) {
    const typing = panel.getRootNode().activeElement === question.control;
    if (typing && matchMedia("(pointer: coarse)").matches && question.control.value.trim() === asked) focusOn(results);
  }

  function showLoading() {
    const bars = el("div", { class: "bars", "aria-hidden": "true" }, el("span"), el("span"), el("span"));
    results.replaceChildren(el("p", { class: "quiet-text" }, WORDS.loading), bars);
    results.setAttribute("aria-busy", "true");
    footerTicket.hidden = false;
    announce(WORDS.loading);
  }

  function showResults(announcement, ...nodes) {
    results.removeAttribute("aria-busy");
    results.replaceChildren(...nodes.filter(Boolean));
    footerTicket.hidden = nodes.some((node) => node?.querySelector?.(".to-ticket"));
    results.closest(".scroll").scrollTop = 0;
    announce(announcement);
  }

  function showReply() {
    const { decision, corrected } = state.reply;
    if (decision === "answer") showAnswer(corrected);
    else if (decision === "suggest") showSuggestions(corrected);
    else showUnknown();
  }

  const understood = (text) => text && el("p", { class: "quiet-text" }, WORDS.understood(text));

  function showAnswer(corrected) {
    const { answer, suggestions } = state.reply;
    showResults(
      WORDS.found(answer.title),
      understood(corrected),
      el(
        "article",
        {},
        el("h3", { lang: answer.lang }, answer.title),
        articleWords(answer),
        el("p", { class: "source" }, newTab(BASE + answer.url, WORDS.source(answer.title), () => opened(answer))),
      ),
      choice(WORDS.notSolved, () => solved(answer.article_id), () => notSolved([answer])),
      suggestions.length > 0 && el("h4", {}, WORDS.others),
      suggestions.length > 0 && list(suggestions),
    );
  }

  function showSuggestions(corrected) {
    const { suggestions, between } = state.reply;
    if (between.length) return showChoice(corrected);
    const found = WORDS.some(Math.min(suggestions.length, 3));
    const only = suggestions.length === 1 ? suggestions[0].article_id : "";
    showResults(
      found,
      understood(corrected),
      el("h3", {}, found),
      list(suggestions),
      choice(only ? WORDS.notSolved : WORDS.noneSolved, () => solved(state.opened || only), () => notSolved(suggestions)),
    );
  }

  /** Two articles are close: the person says which is meant. That alone does not say that it helped. */
  function showChoice(corrected) {
    const { suggestions, between } = state.reply;
    const two = suggestions.filter((suggestion) => between.includes(suggestion.article_id));
    const yes = button(WORDS.solved, "primary", () => solved(state.opened));
    yes.hidden = true;
    const choices = list(two, () => (yes.hidden = false));
    choices.classList.add("choices");
    showResults(
      WORDS.which,
      understood(corrected),
      el("h3", {}, WORDS.which),
      choices,
      el("div", { class: "choice" }, yes, button(WORDS.neither, "plain-button", () => notSolved(two, WORDS.sorryNeither))),
    );
  }

  function showUnknown() {
    showResults(
      WORDS.unknown,
      el("p", { class: "lead" }, WORDS.unknown),
      el("p", {}, WORDS.unknownNext),
      el("div", { class: "choice" }, button(WORDS.ticket, "primary to-ticket", openTicket)),
    );
  }

  function list(suggestions, onChosen) {
    const entry = (suggestion) =>
      el(
        "li",
        { lang: suggestion.lang },
        newTab(BASE + suggestion.url, suggestion.title, () => (opened(suggestion), onChosen?.())),
        onChosen && suggestion.heading && el("p", { class: "where" }, suggestion.heading),
        el("p", {}, suggestion.snippet),
      );
    return el("ul", { class: "suggestions" }, ...suggestions.slice(0, 3).map(entry));
  }

  const choice = (no, onYes, onNo) =>
    el("div", { class: "choice" }, button(WORDS.solved, "primary", onYes), button(no, "plain-button", onNo));

  function opened(article) {
    state.opened = article.article_id;
    tell("opened", article.article_id);
  }

  function solved(articleId) {
    tell("solved", articleId);
    state.declined.clear();
    const glad = el("p", { class: "lead", tabindex: "-1" }, WORDS.glad);
    showResults("", glad, el("div", { class: "choice" }, button(WORDS.again, "plain-button", askAgain)));
    focusOn(glad);
  }

  function notSolved(articles, words = WORDS.sorry) {
    tell("not_solved", articles[0].article_id);
    articles.forEach((article) => state.declined.add(article.article_id));
    state.opened = ""; // what solved it is another one
    const left = state.reply.suggestions.filter((suggestion) => !state.declined.has(suggestion.article_id));
    const next = left.length > 1 ? WORDS.insteadNext : left.length ? WORDS.insteadOne : WORDS.sorryNext;
    const sorry = el("p", { class: "lead", tabindex: "-1" }, words);
    showResults(
      "", // the focus moves to these words, which reads them out
      sorry,
      el("p", {}, next),
      left.length > 0 && list(left),
      el(
        "div",
        { class: "choice" },
        button(WORDS.ticket, "primary to-ticket", openTicket),
        left.length > 0 && button(WORDS.solved, "plain-button", () => solved(state.opened)),
      ),
    );
    focusOn(sorry);
  }

  function askAgain() {
    question.control.value = "";
    state.reply = null;
    showResults("");
    showQuestion();
  }

  /** A notice that ends in a link to the ticket page, which works without this script. */
  function notice(text) {
    const subject = ticketView.hidden ? subjectOf(question.control.value.trim()) : fields.subject.control.value;
    const address = `${BASE}/ticket?${new URLSearchParams({ subject, ...(lang && { lang }) })}`;
    return el("p", { class: "notice" }, text, newTab(address, WORDS.ticketPage), ".");
  }

  function showFailure(text) {
    showResults(
      `${text}${WORDS.ticketPage}.`,
      notice(text),
      el("div", { class: "choice" }, button(WORDS.retry, "plain-button", retry)),
    );
  }

  function retry() {
    focusOn(results); // this button goes away
    ask();
  }

  /* the ticket */

  function openTicket() {
    state.key ||= randomId();
    prefill(question.control.value.trim());
    show(ticketView);
    announce("");
    focusOn([fields.email, fields.subject, fields.body].find(({ control }) => !control.value)?.control ?? ticketHeading);
  }

  /** The question as subject, and whole as description where it is longer than a subject; what was typed over stays. */
  function prefill(asked) {
    const subject = subjectOf(asked);
    const values = { subject, body: subject === asked ? "" : asked };
    for (const [name, value] of Object.entries(values)) {
      const { control } = fields[name];
      if (control.value === state.prefilled[name]) control.value = state.prefilled[name] = value;
    }
  }

  /** The first line, cut at a word's end. */
  function subjectOf(asked) {
    const [line] = asked.split("\n");
    return line.length <= LONGEST_SUBJECT ? line : `${line.slice(0, LONGEST_SUBJECT).replace(/\s+\S*$/, "")}…`;
  }

  function showQuestion() {
    show(askView);
    focusOn(question.control);
  }

  async function sendTicket() {
    if (state.sending) return; // a double click is one ticket
    busy(true);
    ticketNotice.replaceChildren();
    const values = Object.fromEntries(Object.entries(fields).map(([name, { control }]) => [name, control.value]));
    const ticket = {
      ...values,
      question_id: state.reply?.id ?? "",
      declined: [...state.declined].slice(-MOST_DECLINED),
    };
    const slow = () => showTicketNotice(WORDS.slow);
    const reply = await postInLanguage("tickets", ticket, { key: state.key, slow });
    busy(false);
    if (reply.ok) return showSent(reply.data.number, values.email.trim());
    const wrong = (reply.data.errors ?? []).filter((error) => fields[error.field]);
    if (reply.status === 422 && wrong.length) return showFieldErrors(wrong);
    if (reply.data.code === "idempotency_key_reused") {
      state.key = randomId(); // the first one did arrive, only its receipt was lost
      return showTicketNotice(WORDS.ticketTwice);
    }
    return showTicketNotice(reply.timedOut ? WORDS.ticketTooSlow : excuse(reply));
  }

  function busy(sending) {
    state.sending = sending;
    ticketSubmit.textContent = sending ? WORDS.sending : WORDS.sendTicket;
    ticketSubmit.setAttribute("aria-disabled", String(sending)); // stays focusable, unlike `disabled`
    if (sending) announce(WORDS.sending);
  }

  function showTicketNotice(text) {
    ticketNotice.replaceChildren(notice(text));
    ticketNotice.scrollIntoView({ block: "nearest" });
    announce(`${text}${WORDS.ticketPage}.`);
  }

  function showFieldErrors(wrong) {
    ticketNotice.replaceChildren();
    wrong.forEach(({ field: name, message }) => fields[name].complain(message));
    const first = Object.keys(fields).find((name) => wrong.some((error) => error.field === name));
    focusOn(fields[first].control);
    announce(WORDS.mend(wrong.length));
  }

  function showSent(number, email) {
    state.key = "";
    state.prefilled = { subject: "", body: "" };
    fields.subject.control.value = fields.body.control.value = "";
    state.declined.clear();
    const heading = el("h3", { tabindex: "-1" }, WORDS.sent(number));
    sentView.replaceChildren(
      heading,
      el("p", {}, WORDS.sentNext(email)),
      el("div", { class: "choice" }, button(WORDS.again, "plain-button", askAgain)),
    );
    show(sentView);
    announce("");
    if (panel.open) focusOn(heading);
  }

  /* colours */

  const WHITE = [255, 255, 255];
  const BLACK = [0, 0, 0];
  const LIGHT = { paper: WHITE, soft: [243, 245, 247] }; // as in site.css
  const DARK = { paper: [28, 32, 38], soft: [40, 46, 54] };

  const linear = (part) => (part / 255 <= 0.04045 ? part / 255 / 12.92 : ((part / 255 + 0.055) / 1.055) ** 2.4);
  const luminance = ([r, g, b]) => 0.2126 * linear(r) + 0.7152 * linear(g) + 0.0722 * linear(b);

  /** Contrast of two colours as WCAG 2.2 defines it, 1 to 21. */
  function contrast(one, other) {
    const [dark, light] = [luminance(one), luminance(other)].sort((a, b) => a - b);
    return (light + 0.05) / (dark + 0.05);
  }

  /** The shade nearest to a colour that stands out from `paper` at least `ratio` times. */
  function readable(colour, paper, ratio) {
    const end = luminance(paper) > 0.5 ? BLACK : WHITE;
    for (let share = 0; share < 1; share += 0.05) {
      const shade = colour.map((part, index) => Math.round(part + (end[index] - part) * share));
      if (contrast(shade, paper) >= ratio) return shade;
    }
    return end;
  }

  /** The colour of the site as it can be read on this paper, with a text colour that fits on it. */
  function colours({ paper, soft }) {
    const colour = [1, 3, 5].map((at) => parseInt(COLOUR.slice(at, at + 2), 16));
    const fill = readable(colour, paper, 1.5); // a button is known by its words: only what would vanish is changed
    const onFill = contrast(fill, WHITE) >= 4.5 ? WHITE : BLACK; // one of them always reaches 4.5
    const tokens = { fill, "on-fill": onFill, accent: readable(colour, soft, 4.5), paper, soft };
    return Object.entries(tokens).map(([name, rgb]) => `--${name}: rgb(${rgb});`).join(" ");
  }

  /* looks */

  const COVERING = "(max-width: 480px), (max-height: 460px)";

  // The page's rules meet only the host element, and `!important` in here wins over `!important` out there.
  // `em`, not `rem`: the page may have any font size, `initial` is the one its reader chose.
  const CSS = `
    :host {
      all: initial !important; display: block !important; position: fixed !important; z-index: 2147483647 !important;
      right: max(16px, env(safe-area-inset-right)) !important;
      bottom: max(16px, env(safe-area-inset-bottom)) !important;
      direction: ltr !important; color-scheme: light dark !important;
    }
    @media print { :host { display: none !important; } }
    .widget {
      ${colours(LIGHT)}
      --ink: #1a1e23; --quiet: #56606b; --line: #dce0e5; --edge: #7f8a96; --bad: #b3241b;
      color: var(--ink); font: 1em/1.5 system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans", sans-serif;
    }
    @media (prefers-color-scheme: dark) {
      .widget {
        ${colours(DARK)}
        --ink: #e7eaee; --quiet: #a3acb7; --line: #363d47; --edge: #7c8692; --bad: #ff9d94;
      }
    }
    *, ::before, ::after { box-sizing: border-box; }
    [hidden] { display: none !important; }
    h2, h3, h4, p, ul { margin: 0; padding: 0; }
    h2 { font-size: 1em; } h3 { font-size: 1.125em; line-height: 1.3; } h4 { font-size: 1em; }
    a { color: var(--accent); text-underline-offset: .15em; }
    a:hover { text-decoration-thickness: 2px; }
    svg { fill: none; stroke: currentColor; stroke-width: 2; stroke-linecap: round; stroke-linejoin: round; flex: none; }
    :focus-visible { outline: 3px solid var(--accent); outline-offset: 2px; }
    [tabindex="-1"]:focus { outline: none; }
    .unseen {
      position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); white-space: nowrap;
    }

    button { font: inherit; color: inherit; background: none; border: 1px solid transparent; border-radius: 8px; cursor: pointer; min-height: 44px; padding: 8px 16px; }
    .launcher, .primary { background: var(--fill); color: var(--on-fill); font-weight: 600; }
    .launcher:hover, .primary:hover { filter: brightness(.9); }
    .launcher:focus-visible { box-shadow: 0 0 0 3px var(--paper); outline-offset: 3px; }
    .launcher {
      display: flex; align-items: center; gap: 8px; height: 48px; padding: 0 20px 0 16px; border-radius: 24px;
      max-width: min(280px, 100vw - 32px); margin-left: auto; box-shadow: 0 2px 8px rgb(0 0 0 / .24);
    }
    .launcher span, h2 { overflow: hidden; text-overflow: ellipsis; white-space: nowrap; }
    .plain-button { border-color: var(--edge); }
    .plain-button:hover, .close:hover, .quiet:hover { background: var(--soft); }
    .quiet { color: var(--accent); padding: 8px; text-decoration: underline; text-underline-offset: .15em; }
    [aria-disabled="true"] { opacity: .7; cursor: default; }

    dialog {
      position: fixed; inset: auto max(16px, env(safe-area-inset-right)) calc(76px + env(safe-area-inset-bottom)) auto;
      margin: 0; padding: 0; width: 400px; max-width: none; height: auto; min-height: min(400px, 100vh - 92px);
      max-height: min(680px, 100vh - 92px); color: var(--ink); background: var(--paper);
      border: 1px solid var(--line); border-radius: 12px; box-shadow: 0 8px 32px rgb(0 0 0 / .24); overflow: hidden;
    }
    dialog[open] { display: flex; flex-direction: column; }
    dialog::backdrop { background: none; }
    header, footer { flex: none; display: flex; align-items: center; justify-content: space-between; gap: 8px; }
    header { padding: 4px 4px 4px 20px; border-bottom: 1px solid var(--line); }
    footer { padding: 4px 12px 4px 20px; border-top: 1px solid var(--line); }
    footer a { display: inline-flex; align-items: center; min-height: 44px; }
    .close { width: 44px; padding: 0; display: grid; place-items: center; flex: none; }
    .scroll { flex: 1; overflow-y: auto; overscroll-behavior: contain; padding: 20px; }
    .view, .results, .results > article, form { display: flex; flex-direction: column; gap: 16px; }
    .results { gap: 12px; overflow-wrap: anywhere; }
    .results > article { gap: 12px; }

    .field { display: flex; flex-direction: column; gap: 4px; }
    label { font-weight: 600; }
    .hint, .quiet-text { color: var(--quiet); font-size: .875em; }
    .error { color: var(--bad); font-weight: 600; font-size: .875em; }
    input:not([type="checkbox"]), textarea {
      font: inherit; color: inherit; background: var(--paper); width: 100%; min-height: 44px; padding: 9px 12px; margin: 0;
      border: 1px solid var(--edge); border-radius: 8px; resize: vertical;
    }
    :is(input, textarea):focus-visible { outline-offset: -1px; border-color: var(--accent); outline-width: 2px; }
    [aria-invalid] { border-color: var(--bad) !important; outline-color: var(--bad) !important; box-shadow: inset 0 0 0 1px var(--bad); }
    form > .primary { align-self: flex-start; }
    .ask { display: grid; grid-template-columns: 1fr auto; gap: 4px 8px; }
    .ask .field { display: contents; }
    .ask :is(label, p) { grid-column: 1 / -1; }
    .ask textarea { max-height: 8em; }
    .asked .hint { display: none; }
    @supports (field-sizing: content) { .ask textarea { field-sizing: content; resize: none; } }
    .ask > .primary { align-self: end; }
    .back { align-self: flex-start; margin: -12px 0 -8px -8px; }
    .back::before { content: "← " / ""; }

    .lead { font-size: 1.125em; line-height: 1.4; }
    .choice { display: flex; flex-wrap: wrap; gap: 8px; }
    .notice { padding: 12px 16px; border-left: 4px solid var(--edge); background: var(--soft); border-radius: 4px; }
    .notice-place:empty { display: none; }
    .source { font-size: .875em; }
    h4 { margin-top: 8px; padding-top: 16px; border-top: 1px solid var(--line); }
    .suggestions { list-style: none; display: flex; flex-direction: column; gap: 12px; }
    .suggestions a { display: inline-block; font-weight: 600; padding: 2px 0; }
    .choices li { position: relative; padding: 12px 16px; border: 1px solid var(--edge); border-radius: 8px; }
    .choices li:hover { border-color: var(--accent); background: var(--soft); }
    .choices a::after { content: ""; position: absolute; inset: 0; border-radius: 8px; }
    .choices a:focus-visible { outline: none; }
    .choices a:focus-visible::after { outline: 3px solid var(--accent); outline-offset: 2px; }
    .choices .where { color: var(--ink); }
    .suggestions p {
      color: var(--quiet); font-size: .875em;
      display: -webkit-box; -webkit-box-orient: vertical; -webkit-line-clamp: 2; overflow: hidden;
    }

    .plain { white-space: pre-line; }
    .words > * { margin: 0 0 12px; } .words > :last-child { margin-bottom: 0; }
    .words :is(h1, h2, h3, h4, h5, h6) { font-size: 1em; padding: 0; border: 0; margin: 16px 0 4px; white-space: normal; }
    .words > :first-child { margin-top: 0; }
    .words :is(ul, ol) { padding-left: 24px; } .words li { margin-bottom: 6px; }
    .words .contains-task-list { list-style: none; padding-left: 0; }
    .words img { display: block; max-width: 100%; height: auto; background: #fff; color: #1c1f23; border-radius: 4px; }
    .words :is(code, kbd) { font: .875em/1.4 ui-monospace, Menlo, Consolas, monospace; background: var(--soft); padding: 1px 4px; border-radius: 4px; }
    .words pre { white-space: pre-wrap; padding: 12px; background: var(--soft); border-radius: 8px; }
    .words pre code { padding: 0; background: none; }
    .words .table-wrap { overflow-x: auto; }
    .words table { border-collapse: collapse; font-size: .875em; overflow-wrap: normal; }
    .words :is(th, td) { text-align: left; vertical-align: top; padding: 6px 12px 6px 0; border-bottom: 1px solid var(--line); }
    .words :is(blockquote, .alert) { margin-left: 0; margin-right: 0; padding: 12px 16px; border-left: 4px solid var(--accent); background: var(--soft); border-radius: 4px; }
    .words .alert > * + * { margin-top: 4px; }
    .words .alert-title { font-weight: 600; }
    .words :is(.alert-warning, .alert-caution) { border-color: #b7791f; }

    .bars { display: flex; flex-direction: column; gap: 8px; }
    .bars span { height: 12px; border-radius: 6px; background: var(--line); }
    .bars span:nth-child(2) { width: 85%; } .bars span:nth-child(3) { width: 60%; }
    @media (prefers-reduced-motion: no-preference) {
      dialog[open] { animation: rise .16s ease-out; }
      .bars span { animation: breathe 1.2s ease-in-out infinite alternate; }
      @keyframes rise { from { opacity: 0; transform: translateY(8px); } }
      @keyframes breathe { from { opacity: 1; } to { opacity: .4; } }
    }
    @media ${COVERING} {
      dialog { inset: 0; width: 100%; height: 100vh; height: 100dvh; min-height: 0; max-height: none; border: 0; border-radius: 0; }
      .scroll { padding: 16px; } header { padding-left: 16px; } footer { padding-left: 16px; padding-right: 8px; }
    }
  `;

  function dress(root) {
    try {
      const sheet = new CSSStyleSheet();
      sheet.replaceSync(CSS);
      root.adoptedStyleSheets = [sheet];
    } catch {
      root.prepend(el("style", {}, CSS)); // browsers before 2023
    }
  }

  function mount() {
    const host = document.createElement("firstline-widget");
    const root = host.attachShadow({ mode: "open" });
    root.append(el("div", { class: "widget", lang: "en" }, launcher, panel));
    dress(root);
    for (const type of ["keydown", "keyup", "keypress"]) root.addEventListener(type, keyPressed);
    document.body.append(host);
  }

  if (document.body) mount();
  else document.addEventListener("DOMContentLoaded", mount, { once: true });
})();
