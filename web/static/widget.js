/*
 * Firstline's widget: asks the help centre, and hands over to a person where it does not know.
 *
 *   <script src="https://help.example.com/widget.js" data-title="Help" data-lang="en" data-color="#1f5fbf" async></script>
 *
 * Here are the button, the empty frame and what the page may call. What fills the frame, widget-panel.js, and its words are
 * fetched when somebody opens it. docs/widget.md has the attributes, calls and events.
 *
 * The shadow root keeps styles apart. It is open: there are no secrets in it, and accessibility checkers must look inside.
 * Of a Content-Security-Policy it needs this script, connections and pictures of the help centre, and no inline style.
 */
(() => {
  "use strict";

  const script = document.currentScript;
  if (!script?.src) return;

  const { dataset } = script;
  const BASE = new URL(script.src).origin;
  const INLINE = dataset.mode === "inline";
  const COLOUR = /^#[0-9a-f]{6}$/i.test(dataset.color || "") ? dataset.color : "#1f5fbf";
  const SLOW_AFTER_MS = 8_000;
  const GIVE_UP_AFTER_MS = 20_000;
  /** A single-page application writes its new title shortly after the address. */
  const TITLE_FOLLOWS_MS = 250;

  /** Shared by all tags of this page: every one of them runs this file. */
  const page = (window[Symbol.for("firstline.widgets")] ??= { widgets: [] });

  /** All that has to be said where the help centre cannot be asked for its words. */
  const WORDS = {
    en: ["Help", "Close", "This takes longer than usual.", "The help centre cannot be reached from this page right now.", "Open the ticket page", "Try again"],
    pl: ["Pomoc", "Zamknij", "To trwa dłużej niż zwykle.", "Nie można teraz połączyć się z centrum pomocy z tej strony.", "Otwórz stronę zgłoszeń", "Spróbuj ponownie"],
    nl: ["Hulp", "Sluiten", "Dit duurt langer dan normaal.", "Het helpcentrum is nu niet bereikbaar vanaf deze pagina.", "Open de ticketpagina", "Opnieuw proberen"],
    it: ["Aiuto", "Chiudi", "Ci vuole più tempo del solito.", "Al momento il centro assistenza non è raggiungibile da questa pagina.", "Apri la pagina dei ticket", "Riprova"],
    ru: ["Помощь", "Закрыть", "Это занимает больше времени, чем обычно.", "Сейчас с этой страницы не удается связаться со справочным центром.", "Открыть страницу заявок", "Попробовать еще раз"],
    de: ["Hilfe", "Schließen", "Das dauert länger als sonst.", "Das Hilfe-Center ist von dieser Seite aus gerade nicht erreichbar.", "Ticketseite öffnen", "Erneut versuchen"],
    fr: ["Aide", "Fermer", "Cela prend plus de temps que d’habitude.", "Le centre d’aide n’est pas joignable depuis cette page pour le moment.", "Ouvrir la page des demandes", "Réessayer"],
    es: ["Ayuda", "Cerrar", "Esto tarda más de lo normal.", "Ahora no se puede acceder al centro de ayuda desde esta página.", "Abrir la página de solicitudes", "Volver a intentarlo"],
  };

  /** What the page tells; `firstline.update()` changes it. */
  const context = {
    lang: dataset.lang,
    product: dataset.product,
    department: dataset.department,
    email: dataset.email,
  };
  const languageOf = (tag) => /^[a-z]{2}(?=$|[-_])/i.exec(tag || "")?.[0].toLowerCase();
  const lang = () =>
    languageOf(context.lang) || languageOf(document.documentElement.lang) || languageOf(navigator.language) || "en";
  const spoken = () => (WORDS[lang()] ? lang() : "en");
  const say = () => WORDS[spoken()];

  /* building blocks */

  /** An element; attributes that are functions are listeners, children that are strings are text, never markup. */
  function el(tag, attributes = {}, ...children) {
    const node = document.createElement(tag);
    for (const [name, value] of Object.entries(attributes)) {
      if (typeof value === "function") node.addEventListener(name, value);
      else if (value !== undefined && value !== false) node.setAttribute(name, value === true ? "" : value);
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

  const bars = () => el("div", { class: "bars", "aria-hidden": "true" }, el("span"), el("span"), el("span"));

  /* the frame */

  const title = el("h2", { id: "title" });
  const place = el("div", { class: "place" });
  const announcer = el("p", { class: "unseen", role: "status" });
  const closeButton = el("button", { type: "button", class: "close", click: close }, icon("M6 6l12 12M18 6L6 18"));
  const box = el(
    INLINE ? "section" : "dialog",
    { id: "panel", class: "box", role: INLINE ? "region" : "dialog", "aria-labelledby": "title", tabindex: "-1", close: closed },
    el("header", {}, title, !INLINE && closeButton),
    place,
    announcer,
  );
  const launcherText = el("span");
  const launcher = el(
    "button",
    { type: "button", class: "launcher", "aria-expanded": "false", "aria-haspopup": "dialog", "aria-controls": "panel", click: () => (box.open ? close() : open()) },
    icon("M12 3a9 9 0 0 0-7.8 13.5L3 21l4.6-1.2A9 9 0 1 0 12 3M9.6 9.4a2.5 2.5 0 1 1 3.5 2.3c-.7.3-1.1.8-1.1 1.5M12 16.2v.1"),
    launcherText,
  );
  const surface = el("div", { class: "widget" }, !INLINE && launcher, box);
  const host = document.createElement("firstline-widget");
  const root = host.attachShadow({ mode: "open" });
  root.append(surface);
  for (const type of ["keydown", "keyup", "keypress"]) root.addEventListener(type, keyPressed);

  function name() {
    surface.lang = spoken();
    title.textContent = launcherText.textContent = (dataset.title || "").trim() || say()[0];
    closeButton.setAttribute("aria-label", say()[1]);
  }

  const isOpen = () => INLINE || box.open;
  let returnTo = launcher;

  /** `intent` is what to do there: `{ask}`, `{question}`, `{subject, body}` or `{article}`; `opener` gets the focus back. */
  function open(intent = {}, opener = launcher) {
    const news = INLINE || !box.open;
    if (INLINE) {
      box.scrollIntoView({ block: "nearest" });
    } else if (news) {
      // On a phone the panel covers the page, so the page behind it is out of reach until it is closed.
      if (matchMedia(COVERING).matches) box.showModal();
      else box.show();
      launcher.setAttribute("aria-expanded", "true");
      returnTo = opener;
    }
    if (news) emit("open", { mode: INLINE ? "inline" : "launcher" });
    if (panel) return panel.enter(intent);
    focusOn(box);
    load(intent);
  }

  function close() {
    if (!INLINE && box.open) box.close();
  }

  function closed() {
    launcher.setAttribute("aria-expanded", "false");
    focusOn(returnTo.isConnected && returnTo !== document.body ? returnTo : launcher);
    emit("close");
  }

  function keyPressed(event) {
    event.stopPropagation(); // the page's own shortcuts must not act on what is typed here
    if (event.key !== "Escape" || event.isComposing || INLINE || !box.open) return;
    event.preventDefault();
    close();
  }

  function focusOn(node) {
    node.focus({ preventScroll: node === launcher || node.tabIndex < 0 }); // neither moves the page nor the panel
  }

  /** The same words twice in a row are read out twice: a region that does not change stays silent. */
  function announce(text) {
    announcer.textContent = announcer.textContent === text ? `${text}\u00a0` : text;
  }

  /** Never with words that a person typed. */
  function emit(type, detail = {}) {
    host.dispatchEvent(new CustomEvent(`firstline:${type}`, { bubbles: true, detail }));
  }

  /* what fills it */

  let panel = null;
  let wanted = null; // the intent of the last opening; null where nobody asked for the panel
  let loading = false;
  let address = `${BASE}/widget-panel.js`;
  let failures = 0;

  async function load(intent) {
    wanted = intent;
    if (loading) return;
    loading = true;
    const asked = lang();
    if (!panel) place.replaceChildren(el("div", { class: "scroll", "aria-busy": "true" }, bars()));
    const controller = new AbortController();
    const gaveUp = new Promise((_, fail) => controller.signal.addEventListener("abort", () => fail(new Error("slow"))));
    const slow = setTimeout(() => tell(say()[2]), SLOW_AFTER_MS);
    const limit = setTimeout(() => controller.abort(), GIVE_UP_AFTER_MS);
    try {
      const [made, config] = await Promise.race([gaveUp, Promise.all([fetchPanel(), fetchConfig(controller.signal)])]);
      surface.lang = config.lang;
      const waits = box.contains(root.activeElement) && root.activeElement !== closeButton;
      panel = made.fill(frame, config, panel?.leave()); // what was typed until now stays
      panel.enter(wanted, waits);
    } catch (error) {
      console.warn(`Firstline: no reply from ${BASE}. Its widget_origins must list ${location.origin}.`, error);
      emit("error", { reason: controller.signal.aborted ? "slow" : "unreachable" });
      if (!panel) tell(say()[3], el("button", { type: "button", class: "plain-button", click: () => (focusOn(box), load(wanted)) }, say()[5]));
    } finally {
      clearTimeout(slow);
      clearTimeout(limit);
      loading = false;
    }
    if (panel && lang() !== asked) load(null); // the page changed its language meanwhile
  }

  /** By `import()`, which hands on the nonce of this script and needs no leave of Trusted Types. */
  function fetchPanel() {
    return import(address).catch((error) => {
      address = `${BASE}/widget-panel.js?again=${++failures}`; // a browser may remember that an address failed
      throw error;
    });
  }

  async function fetchConfig(signal) {
    const reply = await fetch(`${BASE}/api/v1/widget?lang=${lang()}`, { credentials: "omit", signal });
    if (!reply.ok) throw new Error(`status ${reply.status}`);
    return reply.json();
  }

  /** While there is no panel: what is the matter, with a way to a person. */
  function tell(text, button) {
    if (panel) return;
    if (place.contains(root.activeElement)) focusOn(box); // what has the focus goes away
    const link = el("a", { href: ticketPage(), target: "_blank", rel: "noopener" }, say()[4]);
    const note = el("div", { class: "notice" }, el("p", {}, text), el("p", {}, link));
    place.replaceChildren(el("div", { class: "scroll" }, note, button ?? bars()));
    announce(text);
  }

  /** The ticket form of the help centre, which works without this script. */
  function ticketPage(given = {}) {
    const { ask, question, subject = ask || question, body } = { ...wanted, ...given };
    const known = Object.entries({ subject, body, lang: lang() }).filter(([, value]) => value);
    return `${BASE}/ticket?${new URLSearchParams(known)}`;
  }

  /** In another language everything is built anew; what was typed and said stays. */
  function update(given) {
    const before = lang();
    for (const key of Object.keys(context)) if (key in given) context[key] = given[key];
    name();
    if (panel && lang() !== before) load(null);
    else panel?.moved();
  }

  /** The page has a new address: it may have thrown away what we stand in. */
  function moved() {
    mount();
    panel?.moved();
  }

  /** What the panel knows of its surroundings. */
  const frame = {
    BASE, SLOW_AFTER_MS, GIVE_UP_AFTER_MS,
    root, place, context, isOpen, el, bars, focusOn, announce, emit, dress, ticketPage,
  };

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
    return Object.entries(tokens).map(([token, rgb]) => `--${token}: rgb(${rgb});`).join(" ");
  }

  /* looks */

  const COVERING = "(max-width: 480px), (max-height: 460px)";

  // The page's rules meet only the host element, and `!important` in here wins over `!important` out there.
  const STANDING = INLINE
    ? "position: static !important; height: var(--firstline-height, 560px) !important;"
    : `position: fixed !important; z-index: 2147483647 !important;
      right: max(16px, env(safe-area-inset-right)) !important;
      bottom: max(16px, env(safe-area-inset-bottom)) !important;`;

  // `em`, not `rem`: the page may have any font size, `initial` is the one its reader chose.
  const CSS = `
    :host {
      all: initial !important; display: block !important; ${STANDING}
      direction: ltr !important; color-scheme: light dark !important;
    }
    @media print { :host { display: none !important; } }
    .widget {
      ${colours(LIGHT)}
      --ink: #1a1e23; --quiet: #56606b; --line: #dce0e5; --edge: #7f8a96; --bad: #b3241b;
      color: var(--ink); font: 1em/1.5 system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans", sans-serif; height: 100%;
    }
    @media (prefers-color-scheme: dark) {
      .widget {
        ${colours(DARK)}
        --ink: #e7eaee; --quiet: #a3acb7; --line: #363d47; --edge: #7c8692; --bad: #ff9d94;
      }
    }
    *, ::before, ::after { box-sizing: border-box; }
    [hidden] { display: none !important; }
    h2, h3, h4, p, ul, ol { margin: 0; padding: 0; }
    h2 { font-size: 1em; }
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

    .box {
      color: var(--ink); background: var(--paper); border: 1px solid var(--line); border-radius: 12px; overflow: hidden;
    }
    .box, .place { flex-direction: column; }
    section.box { display: flex; height: 100%; }
    dialog.box {
      position: fixed; inset: auto max(16px, env(safe-area-inset-right)) calc(76px + env(safe-area-inset-bottom)) auto;
      margin: 0; padding: 0; width: 400px; max-width: none; height: auto; min-height: min(400px, 100vh - 92px);
      max-height: min(680px, 100vh - 92px); box-shadow: 0 8px 32px rgb(0 0 0 / .24);
    }
    .box[open] { display: flex; }
    .box::backdrop { background: none; }
    header { flex: none; display: flex; align-items: center; justify-content: space-between; gap: 8px; min-height: 53px;
      padding: 4px 4px 4px 20px; border-bottom: 1px solid var(--line); }
    .close { width: 44px; padding: 0; display: grid; place-items: center; flex: none; }
    .place { flex: 1; min-height: 0; display: flex; }
    .scroll { flex: 1; position: relative; overflow-y: auto; overscroll-behavior: contain; padding: 20px; }
    .notice { padding: 12px 16px; border-left: 4px solid var(--edge); background: var(--soft); border-radius: 4px; }
    .notice a { display: inline-block; padding: 4px 0; }
    .notice + * { margin-top: 16px; }

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
      dialog.box { inset: 0; width: 100%; height: 100vh; height: 100dvh; min-height: 0; max-height: none; border: 0; border-radius: 0; }
      .scroll { padding: 16px; } header { padding-left: 16px; }
    }
  `;

  function dress(css) {
    try {
      const sheet = new CSSStyleSheet();
      sheet.replaceSync(css);
      root.adoptedStyleSheets = [...root.adoptedStyleSheets, sheet];
    } catch {
      root.prepend(el("style", {}, css)); // browsers before 2023
    }
  }

  /* its place on the page */

  /** Puts the widget where it belongs; once more where the page has thrown it out. Says whether it stands. */
  function mount() {
    if (host.isConnected) return true;
    if (!INLINE) {
      document.body?.append(host);
    } else if (dataset.target) {
      const target = document.querySelector(dataset.target);
      const taken = page.widgets.some((other) => other !== widget && other.host.parentNode === target);
      if (target && !taken) target.append(host);
    } else if (script.isConnected && !document.head.contains(script)) {
      script.after(host);
    }
    return host.isConnected;
  }

  /** Inline, the panel is fetched when it comes near what is seen. */
  function loadWhenNear() {
    const watcher = new IntersectionObserver(
      (entries) => {
        if (!entries.some((entry) => entry.isIntersecting)) return;
        watcher.disconnect();
        if (!panel) load(wanted);
      },
      { rootMargin: "200px" },
    );
    watcher.observe(host);
  }

  const widget = { inline: INLINE, host, open, close, update, moved };

  function start() {
    if (!INLINE && page.widgets.some((other) => !other.inline)) return; // one button a page, however many tags
    if (!mount()) {
      const where = dataset.target ? `no element ${dataset.target}, or it has a widget already` : "the tag stands in the head";
      console.warn(`Firstline: this inline widget has no place: ${where}. Set data-target to an element of the page.`);
      return;
    }
    page.widgets.push(widget);
    if (INLINE) loadWhenNear();
    if (page.widgets.length === 1) listen();
  }

  /* what the page can call, once for all widgets of a page */

  /** `#help` opens, `#help/article-id` reads that article, `#help?q=words` asks. */
  function intentOf(hash) {
    const [found, article, query] = /^#help(?:\/([^?]+))?(?:\?(.*))?$/.exec(hash) ?? [];
    // A part of the page that is called "help" stays what it is.
    if (!found || (found === "#help" && document.getElementById("help"))) return null;
    try {
      return { article: article && decodeURIComponent(article), ask: new URLSearchParams(query).get("q") };
    } catch {
      return {}; // a lone percent sign
    }
  }

  function clicked(event) {
    const link = event.composedPath().find((node) => node.localName === "a");
    const other = event.defaultPrevented || event.button || event.ctrlKey || event.metaKey || event.shiftKey || event.altKey;
    const here = link?.getAttribute("href")?.startsWith("#") || String(link?.href).split("#")[0] === location.href.split("#")[0];
    const intent = !other && here && intentOf(link.hash);
    if (!intent) return;
    event.preventDefault();
    main().open(intent, link);
  }

  const main = () => page.widgets.find((one) => !one.inline) ?? page.widgets[0];

  function listen() {
    const calls = {
      open: (intent) => main().open(intent, document.activeElement),
      close: () => main().close(),
      ask: (question) => main().open({ ask: String(question) }, document.activeElement),
      update: (given) => page.widgets.forEach((one) => one.update(given)),
      /** Gives back a function that ends it. */
      on(type, listener) {
        const heard = (event) => listener(event.detail);
        window.addEventListener(`firstline:${type}`, heard);
        return () => window.removeEventListener(`firstline:${type}`, heard);
      },
    };
    const push = (...waiting) => waiting.forEach(([call, ...given]) => calls[call](...given));
    const waiting = window.firstline?.queue ?? [];
    window.firstline = { ...calls, queue: { push } };
    push(...waiting);

    const everywhere = () => setTimeout(() => page.widgets.forEach((one) => one.moved()), TITLE_FOLLOWS_MS);
    if (window.navigation) window.navigation.addEventListener("navigatesuccess", everywhere);
    else window.addEventListener("popstate", everywhere); // what else changes the address is seen at the next opening
    document.addEventListener("click", clicked);
    const arrived = () => {
      const intent = intentOf(location.hash);
      if (intent) main().open(intent);
    };
    window.addEventListener("hashchange", arrived);
    arrived();
  }

  name();
  dress(CSS);
  const early = INLINE ? dataset.target && !document.querySelector(dataset.target) : !document.body;
  if (early && document.readyState === "loading") document.addEventListener("DOMContentLoaded", start, { once: true });
  else start();
})();
