/**
 * Another page is shown in `main`: the focus goes to its heading, which screen readers then say, or
 * to the whole where there is none yet. What the page has focused by itself stays; `left` is what had
 * the focus before.
 */
export function arrive(main, application, left = null) {
  const { activeElement } = document;
  if (activeElement !== left && activeElement !== main && main.contains(activeElement)) return;
  if (focusHeading(main)) return;
  main.focus({ preventScroll: true });
  application.announce(document.title);
}

/** What had the focus is gone, a row that was deleted: then it goes to the heading, not to nowhere. */
export function keepFocus(element) {
  if (document.activeElement === document.body) focusHeading(element);
}

function focusHeading(element) {
  const heading = [...element.querySelectorAll("h1")].find((each) => each.checkVisibility());
  heading?.setAttribute("tabindex", "-1");
  heading?.focus({ preventScroll: true });
  return heading !== undefined;
}
