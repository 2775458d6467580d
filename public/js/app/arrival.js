/**
 * Another page is shown in `main`: the focus goes to its heading, which screen readers then say, or
 * to the whole where there is none yet. What the page has focused by itself stays; `left` is what had
 * the focus before.
 */
export function arrive(main, application, left = null) {
  const { activeElement } = document;
  if (activeElement !== left && activeElement !== main && main.contains(activeElement)) return;
  const heading = [...main.querySelectorAll("h1")].find((each) => each.checkVisibility());
  heading?.setAttribute("tabindex", "-1");
  (heading ?? main).focus({ preventScroll: true });
  if (!heading) application.announce(document.title);
}
