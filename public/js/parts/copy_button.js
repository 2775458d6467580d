import { html } from "../vendor.js";

const SHOWN_MS = 2_000;

/** A button that copies the text of the field before it, and says so. */
export const copyButton = (text, label, toasts) => html`
  <button type="button" class="secondary" aria-label=${label} @click=${(event) => copy(text, event.currentTarget, toasts)}>Copy</button>
`;

async function copy(text, button, toasts) {
  if (!(await copied(text, button.previousElementSibling))) {
    toasts.show("The browser does not let us copy. Select the text and press Ctrl+C.", {
      kind: "error",
    });
    return;
  }
  toasts.show("Copied.", { kind: "success" });
  // On the button, too: behind a dialog the message is hard to see.
  button.textContent = "Copied";
  setTimeout(() => {
    button.textContent = "Copy";
  }, SHOWN_MS);
}

async function copied(text, field) {
  if (navigator.clipboard) {
    try {
      await navigator.clipboard.writeText(text);
      return true;
    } catch (error) {
      // Not allowed by the browser's settings; then the old way may be.
      console.log(`The clipboard refused: ${error.message}`);
    }
  }
  // Browsers have the clipboard only on https and on this machine.
  field?.select();
  return document.execCommand("copy");
}
