/*
 * What fills the widget's frame: questions and their replies, articles, the ticket form. widget.js fetches it, and the words it
 * says, when it is first opened.
 */

const SUGGESTIONS = 3;
const LONGEST_SUBJECT = 150;
const LONGEST_PAGE_QUERY = 300;
const SEEN_ABOVE_PX = 60; // so much of the earlier conversation shows that there is one
const REASONS = ["outdated", "wrong", "unclear", "other"]; // in the order of `words.reasons`

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

let policy; // of Trusted Types, once for all widgets of a page

/**
 * An article's own words. `html` was sanitised (an allow list) by the server this script comes from, so it may be set as
 * HTML: the only place where that is done. In a template nothing loads before links and pictures are put right.
 * Null on a page with Trusted Types that does not know us.
 */
function fromArticle(html) {
  const template = document.createElement("template");
  try {
    policy ??= window.trustedTypes?.createPolicy("firstline", { createHTML: (given) => given });
    template.innerHTML = policy ? policy.createHTML(html) : html;
  } catch {
    return null;
  }
  return template.content;
}

/** The first line, cut at a word's end. */
function subjectOf(asked) {
  const [line] = asked.split("\n");
  return line.length <= LONGEST_SUBJECT ? line : `${line.slice(0, LONGEST_SUBJECT).replace(/\s+\S*$/, "")}…`;
}

/**
 * Fills a frame that widget.js made. `config` is the reply of `GET /api/v1/widget`; `kept` is what `leave` of the panel before
 * this one gave, where the language changed.
 *
 * `enter(intent, focus)` shows it, `moved()` tells that page or context changed.
 */
export function fill(frame, config, kept) {
  const { BASE, SLOW_AFTER_MS, GIVE_UP_AFTER_MS, root, place, context, isOpen, el, bars, focusOn, announce, emit } = frame;
  const { words, channels } = config;

  /** The words with their values: `{title}` in "Read {title}". */
  const say = (template, values) => template.replace(/\{(\w+)\}/g, (_, name) => values[name]);

  /* talking to the help centre */

  /** Sends one request; never throws. `status` is 0 where nothing came back that we understand. */
  async function send(path, body, { key, slow, signal, keepalive } = {}) {
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
        method: body ? "POST" : "GET",
        headers: {
          "Accept-Language": config.lang,
          ...(body && { "Content-Type": "application/json" }),
          ...(key && { "Idempotency-Key": key }),
        },
        body: body && JSON.stringify(body),
        credentials: "omit",
        keepalive,
        signal: controller.signal,
      });
      const data = response.status === 204 ? {} : await response.json();
      return { ok: response.ok, status: response.status, data };
    } catch (error) {
      if (!signal?.aborted) console.warn(`Firstline: no reply from ${BASE}.`, error);
      return { ok: false, status: 0, data: {}, timedOut };
    } finally {
      clearTimeout(patience);
      clearTimeout(limit);
    }
  }

  /** The language to answer in; left out where the page's is none. */
  const reader = config.reader ? { lang: config.reader } : {};

  /** What is told of a reply may get lost without harm: the person is not bothered with it. */
  function tell(outcome, articleId) {
    const { id } = state.reply ?? {};
    // Who names no article means the answer, and that one was declined by then.
    if (!id || (!articleId && state.reply.decision === "answer")) return;
    send(`questions/${id}/outcome`, { outcome, article_id: articleId || "" }, { keepalive: true }); // lives on if the page goes
  }

  /** Why there is no reply, in words, and that nothing typed is lost. */
  function excuse({ status, data, timedOut }) {
    emit("error", { reason: timedOut ? "slow" : status ? data.code || "broken" : "unreachable" });
    const silent = navigator.onLine === false ? words.offline : words.down;
    const why = timedOut ? words.tooSlow : status ? data.detail || words.broken : silent;
    return `${why} ${words.kept}`;
  }

  /* building blocks */

  const button = (text, look, onClick) => el("button", { type: "button", class: look, click: onClick }, text);

  /** It opens beside the page, so that nothing typed there or here is lost. */
  function newTab(address, text) {
    const hint = el("span", { class: "unseen" }, ` ${words.newTab}`);
    return el("a", { href: address, target: "_blank", rel: "noopener" }, text, hint);
  }

  /** An article opens inside the panel; who wants a tab of its own gets the page. */
  function inside(article, text, onRead) {
    const read = (event) => {
      if (event.ctrlKey || event.metaKey || event.shiftKey) return;
      event.preventDefault();
      onRead?.();
      openArticle(article, event.currentTarget);
    };
    return el("a", { href: BASE + article.url, target: "_blank", rel: "noopener", click: read }, text);
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
    const labelNode = el("label", { for: id }, label);
    return { node: el("div", { class: "field" }, labelNode, hintNode, error, control), label: labelNode, control, complain };
  }

  const text = (attributes) => el("textarea", { dir: "auto", ...attributes });

  /** Where there is no HTML, `plain` stands in its place. */
  function articleWords({ html, plain, lang, url }) {
    const node = el("div", { class: "words", lang, dir: "auto" });
    const content = fromArticle(html);
    if (!content) {
      node.append(el("p", { class: "plain" }, plain));
      return node;
    }
    content.querySelectorAll("a[href]").forEach((link) => pointToHelpCentre(link, url));
    content.querySelectorAll("img").forEach(loadFromHelpCentre);
    node.append(content);
    return node;
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
    const [found, lang, id] = /^\/([a-z]{2})\/articles\/(.+)$/.exec(address.pathname) ?? [];
    if (found && address.origin === BASE) {
      const url = address.pathname + address.hash;
      link.replaceWith(inside({ article_id: decodeURIComponent(id), lang, url }, link.textContent));
      return;
    }
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

  /** The other ways to a person, as the settings name them; the e-mail starts with what was typed here. */
  function otherChannels() {
    const entry = ({ kind, address, label }) => {
      if (kind === "chat") return newTab(address, label);
      if (kind === "phone") return el("a", { href: `tel:${address.replace(/[^+\d]/g, "")}` }, label);
      const write = ({ currentTarget: link }) => (link.href = `mailto:${address}?${mail()}`);
      return el("a", { href: `mailto:${address}`, click: write }, label);
    };
    const others = channels.filter(({ kind }) => kind !== "form");
    if (!others.length) return null;
    return el(
      "div",
      { class: "channels" },
      el("p", {}, words.otherWays),
      el("ul", {}, ...others.map((channel) => el("li", {}, entry(channel)))),
    );
  }

  function mail() {
    const asked = question.control.value.trim() || state.asked;
    const values = { subject: fields.subject.control.value || subjectOf(asked), body: fields.body.control.value || asked };
    return Object.entries(values).map(([name, value]) => `${name}=${encodeURIComponent(value)}`).join("&");
  }

  /** What is the matter, with the ways to a person that need nothing of this script. */
  function notice(message) {
    const typed = question.control.value.trim() || state.asked;
    const subject = ticketView.hidden ? subjectOf(typed) : fields.subject.control.value;
    const link = newTab(frame.ticketPage({ subject }), words.ticketPage);
    return el("div", { class: "notice" }, el("p", {}, message), el("p", {}, link), otherChannels());
  }

  /* what is there */

  const state = {
    turn: 0, // counts the questions; a reply to an older one is dropped
    stop: null, // ends the request of the question before
    turns: [], // earlier questions, each with the article that was found first
    asked: "", // the question that `reply` belongs to
    after: "", // the id of the question before it
    reply: null,
    opened: "", // the article opened last
    declined: new Set(),
    key: "", // the ticket form's Idempotency-Key
    prefilled: { subject: "", body: "", email: "", department: "" },
    sending: false,
    here: "", // the page that the suggestions belong to
    trail: [], // where "Back" leads, the nearest last
    article: null, // what the article view shows
    articles: new Map(),
  };

  const earlier = el("ol", { class: "earlier", "aria-label": words.earlier, hidden: true });
  const results = el("div", { class: "results", tabindex: "-1" });
  const footerTicket = button(words.ticket, "quiet", openTicket);
  const footer = el("footer", {}, newTab(`${BASE}/?lang=${config.lang}`, words.helpCentre), footerTicket);

  const question = field(
    "question",
    words.question,
    words.questionHint,
    text({ rows: 1, enterkeyhint: "send", autocomplete: "off", keydown: sendOnEnter }),
  );
  const askForm = el(
    "form",
    { class: "ask", novalidate: true, submit: (event) => (event.preventDefault(), ask()) },
    question.node,
    el("button", { type: "submit", class: "primary" }, words.ask),
  );
  const askView = el("div", { class: "view" }, earlier, askForm, results);
  const articleView = el("div", { class: "view", hidden: true });

  const select = (options) =>
    el("select", {}, el("option", { value: "" }, words.choose), ...options.map(({ value, label }) => el("option", { value }, label)));

  const { topics, departments } = config;
  const fields = {
    email: field("email", words.email, "", el("input", { type: "email", autocomplete: "email", required: true })),
    ...(departments.length && { department: field("department", words.departmentLabel, "", select(departments)) }),
    ...(topics.length && { topic: field("topic", words.topic, "", select(topics)) }),
    subject: field("subject", words.subject, "", el("input", { type: "text", dir: "auto", autocomplete: "off", required: true })),
    body: field("body", words.body, words.bodyHint, text({ rows: 6, required: true })),
  };
  const ticketNotice = el("div", { class: "notice-place" });
  const ticketSubmit = el("button", { type: "submit", class: "primary" }, words.sendTicket);
  const ticketHeading = el("h3", { tabindex: "-1" }, words.ticketTitle);
  const added = el("p", { class: "hint plain" });
  const ticketForm = el(
    "form",
    { novalidate: true, submit: (event) => (event.preventDefault(), sendTicket()) },
    ticketHeading,
    el("p", {}, words.ticketIntro),
    config.hours && el("p", { class: "hint" }, config.hours),
    ...Object.values(fields).map(({ node }) => node),
    added,
    ticketNotice,
    ticketSubmit,
    otherChannels(),
  );
  const ticketView = el("div", { class: "view", hidden: true }, button(words.back, "quiet back", showQuestion), ticketForm);
  const sentView = el("div", { class: "view", hidden: true });
  const views = [askView, articleView, ticketView, sentView];
  const scroll = el("div", { class: "scroll" }, ...views);

  const shown = () => views.find((view) => !view.hidden);

  function show(view) {
    for (const other of views) other.hidden = other !== view;
    if (view === askView) Object.assign(state, { trail: [], article: null });
    showFooter();
    scroll.scrollTop = 0;
  }

  function showFooter() {
    footer.hidden = [ticketView, sentView].includes(shown());
    footerTicket.hidden = Boolean(shown() === askView && results.querySelector(".to-ticket"));
  }

  /* coming and going */

  function enter(intent, focus = true) {
    if (isOpen()) suggestForPage();
    const { ask: asked, question: typed, subject, body, article } = intent ?? {};
    if (asked || typed) {
      question.control.value = asked || typed;
      show(askView);
    }
    if (asked) ask();
    if (article) return openArticle({ article_id: article }, null);
    if (subject || body) return openTicket({ subject, body });
    if (focus) focusOnView();
  }

  function focusOnView() {
    if (shown() === sentView) focusOn(sentView.querySelector("h3"));
    else if (shown() === ticketView) focusOn(ticketHeading);
    else if (shown() === articleView) focusOn(articleView.querySelector("h3") ?? articleView.firstChild);
    else focusOn(question.control);
  }

  function moved() {
    prefillContext();
    if (isOpen()) suggestForPage();
  }

  /** True where the reader is at work in the page and not in here: then the focus stays there. */
  const elsewhere = () => !root.activeElement && document.activeElement !== document.body;

  /** What a panel in another language goes on with. */
  function leave() {
    const typed = Object.entries(fields).map(([name, { control }]) => [name, control.value]);
    return { state, question: question.control.value, fields: typed, view: views.indexOf(shown()) };
  }

  function goOn({ state: before, question: typed, fields: values, view }) {
    const { turns, asked, after, reply, opened, declined, key, prefilled } = before;
    Object.assign(state, { asked, after, reply, opened, declined, key, prefilled });
    question.control.value = typed;
    for (const [name, value] of values) fields[name].control.value = value;
    turns.forEach(remember);
    if (reply) showReply();
    if (views[view] === ticketView) show(ticketView);
  }

  /* the page it stands on */

  /** Articles for the page, where nothing was asked yet. Nothing of it is kept by the help centre. */
  async function suggestForPage() {
    const heading = document.querySelector("h1")?.textContent.trim();
    const about = [...new Set([document.title.trim(), heading, context.product])].filter(Boolean).join(" ");
    const here = `${location.href.split("#")[0]} ${about}`;
    if (state.asked || here === state.here) return;
    state.here = here;
    const query = new URLSearchParams({ q: about.slice(0, LONGEST_PAGE_QUERY), ...reader, limit: SUGGESTIONS });
    const { data } = about ? await send(`suggest?${query}`) : { data: {} };
    if (state.asked || here !== state.here) return;
    const found = data.suggestions ?? [];
    if (results.contains(root.activeElement)) focusOn(results);
    results.replaceChildren(...(found.length ? [el("h3", {}, words.here), list(found)] : []));
  }

  /* asking */

  function sendOnEnter(event) {
    if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
    event.preventDefault();
    ask();
  }

  async function ask() {
    const asked = question.control.value.trim();
    question.complain(asked ? "" : words.questionEmpty);
    if (!asked) return focusOn(question.control);
    const turn = ++state.turn;
    const { reply: last } = state;
    const after = last?.id ?? state.after;
    if (last && asked !== state.asked) remember({ asked: state.asked, first: last.answer ?? last.suggestions[0] });
    state.stop?.abort();
    state.stop = new AbortController();
    Object.assign(state, { asked, after, reply: null, opened: "" });
    askForm.classList.add("asked");
    showLoading();
    const slow = () => {
      if (turn !== state.turn) return;
      results.append(notice(words.slow));
      announce(words.slow);
    };
    const asking = { question: asked, channel: "widget", session, ...reader, ...(after && { after }) };
    const reply = await send("ask", asking, { slow, signal: state.stop.signal });
    if (turn !== state.turn) return; // a newer question wins
    if (reply.ok) {
      state.reply = reply.data;
      const { decision, confidence, answer } = reply.data;
      emit("ask", { decision, confidence });
      if (answer) emit("answer", { article: answer.article_id });
      showReply();
    } else if (reply.data.code === "question_invalid") {
      showResults(reply.data.detail);
      question.complain(reply.data.detail);
    } else {
      showFailure(excuse(reply));
    }
    leaveKeyboard(asked);
  }

  /** The turn that ends goes above: its question and, in short, what was found. */
  function remember(turn) {
    const { asked, first } = turn;
    state.turns.push(turn);
    earlier.append(
      el(
        "li",
        {},
        el("p", { class: "said", dir: "auto" }, asked),
        first ? el("p", { lang: first.lang }, inside(first, first.title)) : el("p", { class: "hint" }, words.nothing),
      ),
    );
    earlier.hidden = false;
  }

  /** On a touch screen the keyboard would cover the reply; who types on meanwhile is left alone. */
  function leaveKeyboard(asked) {
    const typing = root.activeElement === question.control;
    if (typing && matchMedia("(pointer: coarse)").matches && question.control.value.trim() === asked) focusOn(results);
  }

  function showLoading() {
    results.replaceChildren(el("p", { class: "quiet-text" }, words.loading), bars());
    results.setAttribute("aria-busy", "true");
    showFooter();
    scrollToQuestion();
    announce(words.loading);
  }

  /** Earlier questions stand above; the last one and its reply are what is read now. */
  function scrollToQuestion() {
    scroll.scrollTop = earlier.hidden ? 0 : askForm.offsetTop - SEEN_ABOVE_PX;
  }

  function showResults(announcement, ...nodes) {
    results.removeAttribute("aria-busy");
    results.replaceChildren(...nodes.filter(Boolean));
    showFooter();
    if (shown() === askView) scrollToQuestion(); // who went on to an article or the ticket stays there
    announce(announcement);
  }

  function showReply() {
    const { decision, corrected } = state.reply;
    if (decision === "answer") showAnswer(corrected);
    else if (decision === "suggest") showSuggestions(corrected);
    else showUnknown();
  }

  const understood = (corrected) => corrected && el("p", { class: "quiet-text" }, say(words.understood, { text: corrected }));

  const goOnAsking = () => button(words.followUp, "quiet", followUp);

  function followUp() {
    question.control.value = "";
    question.label.textContent = words.followUpLabel;
    focusOn(question.control);
  }

  function showAnswer(corrected) {
    const { answer, suggestions } = state.reply;
    showResults(
      say(words.found, { title: answer.title }),
      understood(corrected),
      el(
        "article",
        {},
        el("h3", { lang: answer.lang, dir: "auto" }, answer.title),
        articleWords({ ...answer, plain: answer.text }),
        el("p", { class: "source" }, inside(answer, say(words.source, { title: answer.title }), () => opened(answer))),
      ),
      choice(words.notSolved, () => solved(answer.article_id), () => notSolved([answer])),
      goOnAsking(),
      suggestions.length > 0 && el("h4", {}, words.others),
      suggestions.length > 0 && list(suggestions),
    );
  }

  function showSuggestions(corrected) {
    const { suggestions, between } = state.reply;
    if (between.length) return showChoice(corrected);
    const found = words.some[Math.min(suggestions.length, SUGGESTIONS)];
    const only = suggestions.length === 1 ? suggestions[0].article_id : "";
    showResults(
      found,
      understood(corrected),
      el("h3", {}, found),
      list(suggestions),
      choice(only ? words.notSolved : words.noneSolved, () => solved(state.opened || only), () => notSolved(suggestions)),
      goOnAsking(),
    );
  }

  /** Two articles are close: the person says which is meant. That alone does not say that it helped. */
  function showChoice(corrected) {
    const { suggestions, between } = state.reply;
    const two = suggestions.filter((suggestion) => between.includes(suggestion.article_id));
    const yes = button(words.solved, "primary", () => solved(state.opened));
    yes.hidden = true;
    const choices = list(two, () => (yes.hidden = false));
    choices.classList.add("choices");
    showResults(
      words.which,
      understood(corrected),
      el("h3", {}, words.which),
      choices,
      el("div", { class: "choice" }, yes, button(words.neither, "plain-button", () => notSolved(two, words.sorryNeither))),
    );
  }

  function showUnknown() {
    showResults(
      words.unknown,
      el("p", { class: "lead" }, words.unknown),
      el("p", {}, words.unknownNext),
      el("div", { class: "choice" }, button(words.ticket, "primary to-ticket", openTicket)),
      otherChannels(),
    );
  }

  function list(suggestions, onChosen) {
    const entry = (suggestion) =>
      el(
        "li",
        { lang: suggestion.lang, dir: "auto" },
        inside(suggestion, suggestion.title, () => (opened(suggestion), onChosen?.())),
        onChosen && suggestion.heading && el("p", { class: "where" }, suggestion.heading),
        el("p", {}, suggestion.snippet),
      );
    return el("ul", { class: "suggestions" }, ...suggestions.slice(0, SUGGESTIONS).map(entry));
  }

  const choice = (no, onYes, onNo) =>
    el("div", { class: "choice" }, button(words.solved, "primary", onYes), button(no, "plain-button", onNo));

  function opened(article) {
    state.opened = article.article_id;
    tell("opened", article.article_id);
  }

  function solved(articleId) {
    tell("solved", articleId);
    emit("solved", { article: articleId });
    state.declined.clear();
    const glad = el("p", { class: "lead", tabindex: "-1" }, words.glad);
    show(askView);
    showResults("", glad, el("div", { class: "choice" }, button(words.again, "plain-button", askAgain)));
    focusOn(glad);
  }

  function notSolved(articles, sorryWords = words.sorry) {
    tell("not_solved", articles[0].article_id);
    emit("not-solved", { articles: articles.map((article) => article.article_id) });
    articles.forEach((article) => state.declined.add(article.article_id));
    state.opened = ""; // what solved it is another one
    const left = state.reply.suggestions.filter((suggestion) => !state.declined.has(suggestion.article_id));
    const next = left.length > 1 ? words.insteadNext : left.length ? words.insteadOne : words.sorryNext;
    const sorry = el("p", { class: "lead", tabindex: "-1" }, sorryWords);
    show(askView);
    showResults(
      "", // the focus moves to these words, which reads them out
      sorry,
      el("p", {}, next),
      left.length > 0 && list(left),
      el(
        "div",
        { class: "choice" },
        button(words.ticket, "primary to-ticket", openTicket),
        left.length > 0 && button(words.solved, "plain-button", () => solved(state.opened)),
      ),
      goOnAsking(),
      otherChannels(),
    );
    focusOn(sorry);
  }

  /** A new matter: what was said before does not belong to it. */
  function askAgain() {
    state.turn++; // a reply still on its way belongs to the old matter
    state.stop?.abort();
    Object.assign(state, { turns: [], reply: null, after: "", asked: "", here: "" });
    question.control.value = "";
    question.label.textContent = words.question;
    earlier.replaceChildren();
    earlier.hidden = true;
    showResults("");
    suggestForPage();
    showQuestion();
  }

  function showQuestion() {
    show(askView);
    focusOn(question.control);
  }

  function showFailure(message) {
    showResults(message, notice(message), el("div", { class: "choice" }, button(words.retry, "plain-button", retry)));
  }

  function retry() {
    focusOn(results); // this button goes away
    ask();
  }

  /* reading an article */

  /** Shows a whole article; "Back" leads to where it was opened, with the place on the page and the focus. */
  function openArticle(article, opener) {
    state.trail.push({ view: shown(), article: state.article, top: scroll.scrollTop, opener });
    emit("article", { article: article.article_id });
    return showArticle(article);
  }

  async function showArticle({ article_id: id, lang, url }) {
    const wanted = `${id} ${lang ?? config.reader}`;
    state.article = { article_id: id, lang, url };
    const back = button(state.trail.length ? words.backToList : words.back, "quiet back", goBack);
    articleView.replaceChildren(back, bars());
    show(articleView);
    focusOn(back);
    const reply = state.articles.has(wanted)
      ? { ok: true, data: state.articles.get(wanted) }
      : await readArticle(id, lang);
    if (state.article?.article_id !== id || articleView.firstChild !== back) return; // gone on meanwhile
    if (!reply.ok) {
      const full = url && el("p", {}, newTab(BASE + url, words.openFull));
      const again = button(words.retry, "plain-button", () => showArticle({ article_id: id, lang, url }));
      const gone = reply.status === 404 ? words.noArticle : excuse(reply);
      articleView.replaceChildren(back, notice(gone), full || "", el("div", { class: "choice" }, reply.status !== 404 && again));
      return announce(gone);
    }
    state.articles.set(wanted, reply.data);
    renderArticle(back, reply.data, (url ?? "").split("#")[1]);
  }

  const articlePath = (id) => `articles/${id.split("/").map(encodeURIComponent).join("/")}`;

  /** In its language, else in the reader's, else in whichever it exists. */
  async function readArticle(id, lang) {
    const path = articlePath(id);
    const first = lang ?? config.reader;
    const reply = await send(first ? `${path}?lang=${first}` : path);
    return reply.status === 404 && !lang && first ? send(path) : reply;
  }

  function renderArticle(back, article, anchor) {
    const heading = el("h3", { tabindex: "-1", lang: article.lang, dir: "auto" }, article.title);
    const sections = article.sections.flatMap((section) => [
      section.heading && el("h4", { lang: article.lang, dir: "auto", "data-anchor": section.anchor, tabindex: "-1" }, section.heading),
      articleWords({ ...section, plain: "", lang: article.lang, url: article.url }),
    ]);
    const shownWhole = fromArticle("") ? sections.filter(Boolean) : [el("p", {}, words.noMarkup)];
    articleView.replaceChildren(
      back,
      el("article", {}, heading, ...shownWhole),
      el("p", { class: "source" }, newTab(BASE + article.url, words.openFull)),
      wasItHelpful(article),
    );
    const part = anchor && articleView.querySelector(`[data-anchor="${CSS.escape(decodeURIComponent(anchor))}"]`);
    if (root.activeElement === back || (!root.activeElement && !elsewhere())) focusOn(part || heading);
    scroll.scrollTop = part ? part.offsetTop - 12 : 0;
  }

  function goBack() {
    const { view, article, top, opener } = state.trail.pop() ?? { view: askView };
    if (view === articleView && article) return showArticle(article);
    show(view);
    scroll.scrollTop = top ?? 0;
    if (opener?.isConnected) focusOn(opener);
    else focusOnView();
  }

  /** In a conversation the reader says whether it solved the question, else whether the article is any good. */
  function wasItHelpful({ id, lang }) {
    const shownArticles = state.reply ? [state.reply.answer, ...state.reply.suggestions] : [];
    const asked = shownArticles.find((article) => article?.article_id === id);
    if (asked) {
      return choice(words.notSolved, () => solved(id), () => notSolved([asked]));
    }
    const give = (feedback) => send(`${articlePath(id)}/feedback`, { ...feedback, lang, session }, { keepalive: true });
    const thank = (...nodes) => {
      const thanks = el("p", { tabindex: "-1" }, words.thanks);
      rating.replaceChildren(thanks, ...nodes);
      focusOn(thanks);
      scroll.scrollTop = rating.offsetTop;
    };
    const yes = () => (give({ helpful: true }), emit("solved", { article: id }), thank());
    const no = () => {
      give({ helpful: false });
      emit("not-solved", { articles: [id] });
      state.declined.add(id);
      const radio = (value, at) =>
        el("label", { class: "radio" }, el("input", { type: "radio", name: "reason", value }), words.reasons[at]);
      const comment = field("comment", words.missing, "", text({ rows: 2, maxlength: config.limits.comment }));
      const problem = el("div", { class: "notice-place" });
      const tellMore = async () => {
        const reason = rating.querySelector("input:checked")?.value;
        const reply = await give({ helpful: false, ...(reason && { reason }), comment: comment.control.value.trim() });
        if (reply.ok) return thank();
        const why = excuse(reply);
        problem.replaceChildren(notice(why));
        announce(why);
      };
      thank(
        el("fieldset", {}, el("legend", {}, words.why), ...REASONS.map(radio)),
        comment.node,
        problem,
        el("div", { class: "choice" }, button(words.sendComment, "plain-button", tellMore)),
      );
    };
    const rating = el(
      "div",
      { class: "helpful", role: "group", "aria-label": words.helpful },
      el("p", {}, words.helpful),
      el("div", { class: "choice" }, button(words.yes, "plain-button", yes), button(words.no, "plain-button", no)),
    );
    return rating;
  }

  /* the ticket */

  function openTicket({ subject, body } = {}) {
    state.key ||= randomId();
    const asked = question.control.value.trim() || state.asked;
    const short = subjectOf(asked);
    prefill({ subject: subject ?? short, body: body ?? (short === asked ? "" : asked) });
    show(ticketView);
    announce("");
    focusOn(Object.values(fields).find(({ control }) => control.required && !control.value)?.control ?? ticketHeading);
  }

  /** What the page knows of its reader: an address goes into its field and nowhere else. */
  function prefillContext() {
    prefill({ email: context.email ?? "", ...(theirs() && { department: theirs().value }) });
    const lines = contextLines();
    added.textContent = [words.added, ...lines].join("\n");
    added.hidden = !lines.length;
  }

  /** The department of the list that the page names. */
  const theirs = () => departments.find(({ value, label }) => [value, label].includes(context.department));

  /** What was typed over stays. */
  function prefill(values) {
    for (const [name, value] of Object.entries(values)) {
      const { control } = fields[name];
      if (control.value === state.prefilled[name]) control.value = state.prefilled[name] = value;
    }
  }

  /** What the page tells the agent, in lines below the description. */
  function contextLines() {
    const { product, department } = context;
    const unlisted = department && !theirs();
    return [product && say(words.product, { product }), unlisted && say(words.department, { department })].filter(Boolean);
  }

  async function sendTicket() {
    if (state.sending) return; // a double click is one ticket
    busy(true);
    ticketNotice.replaceChildren();
    const filled = Object.entries(fields).filter(([, { control }]) => control.required || control.value);
    const values = Object.fromEntries(filled.map(([name, { control }]) => [name, control.value]));
    const lines = contextLines();
    const ticket = {
      ...values,
      body: values.body.trim() && lines.length ? `${values.body}\n\n${lines.join("\n")}` : values.body,
      question_id: state.reply?.id ?? state.after ?? "",
      declined: [...state.declined].slice(-config.limits.declined),
      session,
      ...reader,
    };
    const slow = () => showTicketNotice(words.slow);
    const reply = await send("tickets", ticket, { key: state.key, slow });
    busy(false);
    if (reply.ok) return showSent(reply.data, values.email.trim());
    const wrong = (reply.data.errors ?? []).filter((error) => fields[error.field]);
    if (reply.status === 422 && wrong.length) return showFieldErrors(wrong);
    if (reply.data.code === "idempotency_key_reused") {
      state.key = randomId(); // the first one did arrive, only its receipt was lost
      return showTicketNotice(words.ticketTwice);
    }
    const why = excuse(reply);
    return showTicketNotice(reply.timedOut ? words.ticketTooSlow : why);
  }

  function busy(sending) {
    state.sending = sending;
    ticketSubmit.textContent = sending ? words.sending : words.sendTicket;
    ticketSubmit.setAttribute("aria-disabled", String(sending)); // stays focusable, unlike `disabled`
    if (sending) announce(words.sending);
  }

  function showTicketNotice(message) {
    ticketNotice.replaceChildren(notice(message));
    ticketNotice.scrollIntoView({ block: "nearest" });
    announce(message);
  }

  function showFieldErrors(wrong) {
    ticketNotice.replaceChildren();
    wrong.forEach(({ field: name, message }) => fields[name].complain(message));
    const first = Object.keys(fields).find((name) => wrong.some((error) => error.field === name));
    focusOn(fields[first].control);
    announce(words.mend[wrong.length]);
  }

  function showSent({ number, url }, email) {
    emit("ticket", { number });
    state.key = "";
    state.prefilled = { ...state.prefilled, subject: "", body: "" };
    fields.subject.control.value = fields.body.control.value = "";
    state.declined.clear();
    const heading = el("h3", { tabindex: "-1" }, say(words.sent, { number }));
    const nodes = [
      heading,
      el("p", {}, say(words.sentNext, { email })),
      url && el("p", {}, newTab(BASE + url, words.follow)),
      config.hours && el("p", {}, config.hours),
      el("div", { class: "choice" }, button(words.again, "plain-button", askAgain)),
    ];
    sentView.replaceChildren(...nodes.filter(Boolean));
    show(sentView);
    announce("");
    if (isOpen() && !elsewhere()) focusOn(heading);
  }

  if (!kept) frame.dress(LOOKS);
  place.replaceChildren(scroll, footer);
  prefillContext();
  if (kept) goOn(kept);
  return { enter, moved, leave };
}

const LOOKS = `
  h3 { font-size: 1.125em; line-height: 1.3; } h4 { font-size: 1em; }
  .quiet { color: var(--accent); padding: 8px; text-decoration: underline; text-underline-offset: .15em; }
  [aria-disabled="true"] { opacity: .7; cursor: default; }
  footer { flex: none; display: flex; align-items: center; justify-content: space-between; gap: 8px; }
  footer { padding: 4px 12px 4px 20px; border-top: 1px solid var(--line); }
  footer a { display: inline-flex; align-items: center; min-height: 44px; }
  .view, .results, .view > article, .results > article, form { display: flex; flex-direction: column; gap: 16px; }
  .view, .results { overflow-wrap: anywhere; }
  .results, .view > article, .results > article { gap: 12px; }

  .earlier { list-style: none; display: flex; flex-direction: column; gap: 12px; padding-bottom: 16px; border-bottom: 1px solid var(--line); }
  .earlier a { display: inline-block; padding: 2px 0; }
  .said { font-weight: 600; white-space: pre-line; }

  .field { display: flex; flex-direction: column; gap: 4px; }
  label, legend { font-weight: 600; padding: 0; }
  fieldset { margin: 0; padding: 0; border: 0; min-width: 0; }
  .radio { display: flex; align-items: center; gap: 8px; min-height: 32px; font-weight: 400; }
  .radio input { width: 18px; height: 18px; margin: 0; accent-color: var(--fill); }
  .hint, .quiet-text { color: var(--quiet); font-size: .875em; }
  .error { color: var(--bad); font-weight: 600; font-size: .875em; }
  input:is([type="text"], [type="email"]), select, textarea {
    font: inherit; color: inherit; background: var(--paper); width: 100%; min-height: 44px; padding: 9px 12px; margin: 0;
    border: 1px solid var(--edge); border-radius: 8px; resize: vertical;
  }
  :is(input, select, textarea):focus-visible { outline-offset: -1px; border-color: var(--accent); outline-width: 2px; }
  [aria-invalid] { border-color: var(--bad) !important; outline-color: var(--bad) !important; box-shadow: inset 0 0 0 1px var(--bad); }
  form > .primary { align-self: flex-start; }
  .ask { display: grid; grid-template-columns: 1fr auto; gap: 4px 8px; }
  .ask .field { display: contents; }
  .ask :is(label, p) { grid-column: 1 / -1; }
  .ask textarea { max-height: 8em; }
  .asked .hint { display: none; }
  @supports (field-sizing: content) { .ask textarea { field-sizing: content; resize: none; } }
  .ask > .primary { align-self: end; }
  .results > .quiet, .back { align-self: flex-start; margin: -4px 0 -4px -8px; }
  .back { margin-top: -12px; }
  .back::before { content: "← " / ""; }

  .lead { font-size: 1.125em; line-height: 1.4; }
  .choice { display: flex; flex-wrap: wrap; gap: 8px; }
  .notice-place:empty { display: none; }
  .source { font-size: .875em; }
  .results > h4, .helpful { margin-top: 8px; padding-top: 16px; border-top: 1px solid var(--line); }
  .helpful { display: flex; flex-direction: column; gap: 8px; }
  .suggestions { list-style: none; display: flex; flex-direction: column; gap: 12px; }
  .suggestions a { display: inline-block; font-weight: 600; padding: 2px 0; }
  .channels ul { list-style: none; } .channels a { display: inline-block; padding: 6px 0; }
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
  .words :is(h1, h2, h3, h4, h5, h6) { font-size: 1em; margin: 16px 0 4px; white-space: normal; }
  .words > :first-child { margin-top: 0; }
  .words :is(ul, ol) { padding-inline-start: 24px; } .words li { margin-bottom: 6px; }
  .words .contains-task-list { list-style: none; padding-inline-start: 0; }
  .words img { display: block; max-width: 100%; height: auto; background: #fff; color: #1c1f23; border-radius: 4px; }
  .words :is(code, kbd) { font: .875em/1.4 ui-monospace, Menlo, Consolas, monospace; background: var(--soft); padding: 1px 4px; border-radius: 4px; }
  .words pre { white-space: pre-wrap; padding: 12px; background: var(--soft); border-radius: 8px; }
  .words pre code { padding: 0; background: none; }
  .words .table-wrap { overflow-x: auto; }
  .words table { border-collapse: collapse; font-size: .875em; overflow-wrap: normal; }
  .words :is(th, td) { text-align: start; vertical-align: top; padding: 6px 0; padding-inline-end: 12px; border-bottom: 1px solid var(--line); }
  .words :is(blockquote, .alert) { margin-left: 0; margin-right: 0; padding: 12px 16px; border-inline-start: 4px solid var(--accent); background: var(--soft); border-radius: 4px; }
  .words .alert > * + * { margin-top: 4px; }
  .words .alert-title { font-weight: 600; }
  .words :is(.alert-warning, .alert-caution) { border-color: #b7791f; }
  @media (max-width: 480px), (max-height: 460px) { footer { padding-left: 16px; padding-right: 8px; } }
`;
