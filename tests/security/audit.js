// Loads pages into frames with their scripts running and says what in them could run, load or lead elsewhere.
// Given {addresses, pages, live}: what to fetch from this site, [name, markup] to load, and whether to look at this page.
async ({ addresses, pages, live }) => {
  const found = [];
  const foreign = (address) => {
    try {
      const url = new URL(address, location.href);
      return /^https?:$/.test(url.protocol) ? url.origin !== location.origin : true;
    } catch {
      return false;
    }
  };
  const program = (address) => !/^(https?|mailto|tel|sms):/i.test(new URL(address, location.href).protocol);
  const LOADS = ["src", "srcset", "poster", "data", "background", "lowsrc", "dynsrc", "ping", "code", "manifest"];
  const LEADS = ["href", "action", "formaction", "xlink:href", "cite", "longdesc"];
  const NEVER = "iframe,frame,frameset,object,embed,applet,base,style,template,math,portal,marquee,plaintext,xmp,noembed,"
    + "meta[http-equiv],audio,video,isindex,animate,set,foreignObject,use,image,feImage,annotation-xml";
  const audit = (where, root) => {
    for (const element of root.querySelectorAll("*")) {
      const name = element.localName;
      const tell = (what) => found.push(`${where}: ${what} in ${element.cloneNode(false).outerHTML ?? name}`.slice(0, 300));
      if (element.matches(NEVER)) tell(`<${name}>`);
      if (name === "script" && element.type !== "application/ld+json") tell("script");
      if (name === "link" && !["canonical", "alternate", "icon", "next", "prev", "search"].includes(element.rel)) tell("link");
      for (const { name: attribute, value } of element.attributes) {
        if (/^on/i.test(attribute)) tell(`handler ${attribute}`);
        if (attribute === "style" || attribute === "srcdoc") tell(attribute);
        if (LOADS.includes(attribute) && foreign(value.split(" ")[0])) tell(`foreign ${attribute}`);
        try {
          if (LEADS.includes(attribute) && program(value)) tell(`program ${attribute}`);
        } catch {
          /* no address at all */
        }
        if (/action$/.test(attribute) && foreign(value)) tell(`foreign ${attribute}`);
      }
      if (element.shadowRoot) audit(where, element.shadowRoot);
    }
  };
  const one = async (where, html) => {
    // Its own scripts and styles are looked at where pages are opened; here they would only cost time.
    const bare = html.replace(/<script [^>]*src="\/(static|widget)[^>]*><\/script>/g, "")
      .replace(/<link rel="(stylesheet|preload|modulepreload)"[^>]*>/g, "");
    const frame = document.createElement("iframe");
    const loaded = new Promise((resolve) => frame.addEventListener("load", resolve));
    frame.srcdoc = bare;
    document.body.append(frame);
    await loaded;
    audit(where, frame.contentDocument);
    frame.remove();
  };
  const waiting = [...addresses.map((address) => [address, null]), ...(pages ?? [])];
  let loaded = 0;
  const work = async () => {
    for (let next = waiting.shift(); next; next = waiting.shift()) {
      const [where, given] = next;
      if (given !== null) {
        await one(where, given);
      } else {
        const reply = await fetch(where);
        if (!reply.ok) found.push(`${where}: ${reply.status}`);
        await one(where, await reply.text());
      }
      loaded += 1;
    }
  };
  await Promise.all(Array.from({ length: 6 }, work));
  if (live) {
    for (const host of document.querySelectorAll("firstline-widget")) audit("widget", host.shadowRoot ?? host);
  }
  return { found, loaded };
}
