/*
 * After a ticket was sent, or is no longer needed: forgets the half-written ticket of this tab. On a ticket's page: the
 * button that copies its address. Without this script the address can be marked and copied by hand.
 */
"use strict";

if (document.currentScript.hasAttribute("data-sent")) {
  try {
    const tab = sessionStorage.getItem("firstline-tab");
    if (tab) localStorage.removeItem(`firstline-ticket:${tab}`);
    sessionStorage.removeItem("firstline-tab");
  } catch {
    // storage is closed to us: then nothing was kept either
  }
}

const copy = document.getElementById("fl-copy");
const address = document.getElementById("fl-address");
if (copy && navigator.clipboard) {
  copy.hidden = false;
  copy.addEventListener("click", async () => {
    try {
      await navigator.clipboard.writeText(address.value);
      copy.textContent = document.getElementById("fl-copy-status").textContent = copy.dataset.copied;
    } catch {
      address.focus();
      address.select(); // the browser does not let us; one more key does it
    }
  });
}
// After an error the summary is what to read first.
document.getElementById("fl-summary")?.focus();
