/*
 * While articles are being published: says how far it is, and shows the page anew once it is over. Without this script
 * a link does so.
 */
"use strict";

const EVERY_MS = 2000;
const running = document.getElementById("fl-publishing");
const stage = document.getElementById("fl-publishing-stage");
const words = JSON.parse(running.dataset.words);
const number = new Intl.NumberFormat(document.documentElement.lang);

async function look() {
  try {
    const reply = await fetch(`/api/v1/publications/${running.dataset.publication}`, { cache: "no-store" });
    if (reply.ok) {
      const now = await reply.json();
      if (now.ended) {
        location.assign("/authors/publishing");
        return;
      }
      const far = now.total ? ` ${words.far.replace("{done}", number.format(now.done)).replace("{total}", number.format(now.total))}` : "";
      const said = words.stages[now.stage] + far;
      if (stage.textContent !== said) stage.textContent = said; // else it would be read out again
    }
  } catch {
    // the server is away for a moment: the next look may find it
  }
  setTimeout(look, EVERY_MS);
}

setTimeout(look, EVERY_MS);
