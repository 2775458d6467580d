import { html } from "../vendor.js";

/** A button that copies a text, and says so. */
export const copyButton = (text, label, toasts) => html`
  <button type="button" class="secondary" aria-label=${label} @click=${() => copy(text, toasts)}>Copy</button>
`;

async function copy(text, toasts) {
  try {
    // Browsers have it only on https and on this machine.
    if (!navigator.clipboard) throw new Error("no clipboard");
    await navigator.clipboard.writeText(text);
  } catch {
    toasts.show("The browser does not let us copy. Select the text and press Ctrl+C.", { kind: "error" });
    return;
  }
  toasts.show("Copied.", { kind: "success" });
}
