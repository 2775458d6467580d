// So long a page may take to show what it has read, in place of what it showed first.
const SETTLING_MS = 10_000;

/**
 * Another page is shown in `main`: the focus goes to its heading, which screen readers then say, or
 * to the whole where there is none yet. What the page has focused by itself stays; `left` is what had
 * the focus before.
 */
export function arrive(main, application, left = null) {
  const { activeElement } = document;
  if (activeElement !== left && activeElement !== main && main.contains(activeElement)) return;
  const heading = focusHeading(main);
  if (heading) {
    followHeading(main, heading);
    return;
  }
  main.focus({ preventScroll: true });
  application.announce(document.title);
}

/** What had the focus is gone, a row that was deleted: then it goes to the heading, not to nowhere. */
export function keepFocus(element) {
  if (document.activeElement === document.body) focusHeading(element);
}

/** A page that is still read may put another heading in the place of its first. */
function followHeading(main, first) {
  let heading = first;
  const observer = new MutationObserver(() => {
    if (heading.isConnected && document.activeElement === heading) return;
    const lost = !heading.isConnected && document.activeElement === document.body;
    if (lost) heading = focusHeading(main) ?? heading;
    else observer.disconnect();
  });
  observer.observe(main, { childList: true, subtree: true });
  setTimeout(() => observer.disconnect(), SETTLING_MS);
}

function focusHeading(element) {
  const heading = [...element.querySelectorAll("h1")].find((each) => each.checkVisibility());
  heading?.setAttribute("tabindex", "-1");
  heading?.focus({ preventScroll: true });
  return heading;
}
