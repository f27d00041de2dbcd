// Keeps a page up to date: the server sends an event when something has changed, and the page's main
// part is loaded again. Without this script the page works, and changes when it is loaded again.
"use strict";
(() => {
  const main = document.getElementById("main"), lost = document.getElementById("lost");
  const address = main.dataset.events;
  if (!address) return;
  let busy = false, again = false;

  // A reader who is selecting text or filling in a form is not disturbed.
  const disturbed = () => {
    const at = document.activeElement, marked = document.getSelection();
    return (marked && !marked.isCollapsed && main.contains(marked.anchorNode)) ||
      (at && main.contains(at) && at.matches("input, select, textarea"));
  };

  // The place of an element among those of its kind, so that it is found again in the new page.
  const path = (of, root) => [...root.querySelectorAll(of.tagName)].indexOf(of);

  const take = (fresh) => {
    const open = new Set([...main.querySelectorAll("details[open]")].map((d) => d.id));
    const scrolled = [...main.querySelectorAll(".wide")].map((w) => w.scrollLeft);
    const at = document.activeElement, inside = at && at !== main && main.contains(at);
    const place = inside ? [at.tagName, path(at, main)] : null;
    const done = main.querySelector(".notice.good[role=status]");
    main.replaceChildren(...fresh.childNodes);
    if (done && !main.querySelector(".notice.good[role=status]")) main.prepend(done);
    for (const d of main.querySelectorAll("details")) d.open = open.has(d.id);
    [...main.querySelectorAll(".wide")].forEach((w, i) => { w.scrollLeft = scrolled[i] || 0; });
    if (place) {
      const found = main.querySelectorAll(place[0])[place[1]];
      if (found) found.focus({ preventScroll: true });
    }
  };

  const load = async () => {
    if (busy) { again = true; return; }
    busy = true;
    try {
      const answer = await fetch(location.href, { credentials: "same-origin", cache: "no-store" });
      const page = new DOMParser().parseFromString(await answer.text(), "text/html");
      const fresh = page.getElementById("main");
      if (answer.status === 401) location.reload();
      else if (fresh && !disturbed()) take(fresh);
      lost.hidden = true;
    } catch {
      lost.hidden = false;
    }
    busy = false;
    if (again) { again = false; load(); }
  };

  const events = new EventSource(address);
  events.addEventListener("begin", () => { if (!lost.hidden) load(); });
  events.addEventListener("change", load);
  events.onerror = () => {
    lost.hidden = false;
    if (events.readyState === EventSource.CLOSED) setTimeout(() => location.reload(), 5000);
  };
})();
