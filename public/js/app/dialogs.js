import { sentence } from "../core/texts.js";
import { html, render, repeat } from "../vendor.js";

/** Questions in a native <dialog>: the focus stays in it, Escape closes it with `null`. */
export class Dialogs {
  #count = 0;
  /** Those that are open, each with what shows it anew. */
  #open = new Map();

  /** Closes all as Escape does, as when somebody signs out. */
  closeAll() {
    for (const dialog of this.#open.keys()) dialog.close();
  }

  /** Shows those that are open anew, as when labels to choose from have come. */
  refresh() {
    for (const invalidate of this.#open.values()) invalidate();
  }

  /** Whether the person agreed. */
  async confirm({ title, text, action = "OK", danger = false }) {
    const buttons = [
      { label: "Cancel", value: false },
      { label: action, value: true, primary: true, danger },
    ];
    return (
      (await this.open({ title, body: () => html`<p>${sentence(text)}</p>`, buttons })) === true
    );
  }

  /**
   * Shows a dialog and resolves with the value of the button that ended it, null for Escape.
   *
   * `body({invalidate, close})` gives its template, and may call `invalidate()` to show it anew. A button is
   * `{label, value, primary, danger, disabled, check}`; `check()` may say false to keep it open. `buttons`
   * may be a function, asked at each showing.
   */
  open({ title, body, buttons, wide = false }) {
    const dialog = document.createElement("dialog");
    const heading = `dialog-title-${++this.#count}`;
    dialog.setAttribute("aria-labelledby", heading);
    dialog.classList.toggle("wide", wide);
    return new Promise((resolve) => {
      let value = null;
      let busy = null;
      const close = (given) => {
        value = given;
        dialog.close();
      };
      const invalidate = () => render(template(), dialog);
      const press = async (button) => {
        // Once, however often it is pressed while the server is asked; but one may leave.
        if (busy && button.check) return;
        if (!button.check) return close(button.value);
        busy = button.label;
        let fine;
        const asked = button.check();
        invalidate();
        try {
          fine = await asked;
        } finally {
          busy = null;
        }
        if (fine !== false) return close(button.value);
        invalidate();
        // A button that was disabled meanwhile has lost it.
        if (!dialog.contains(document.activeElement))
          dialog.querySelector("[type=submit]")?.focus();
      };
      const template = () => html`
        <article>
          <h2 id=${heading}>${sentence(title)}</h2>
          <form
            method="dialog"
            novalidate
            @submit=${(event) => {
              event.preventDefault();
              const primary = listed(buttons).find((button) => button.primary && !button.disabled);
              if (primary) press(primary);
            }}
          >
            <div class="dialog-body">${body({ invalidate, close })}</div>
            <footer class="buttons">
              ${repeat(
                listed(buttons),
                // Where a step follows a step, the focus stays on what leads on.
                (button) => (button.primary ? "primary" : button.label),
                (button) => html`
                  <button
                    type=${button.primary ? "submit" : "button"}
                    class=${buttonClass(button)}
                    ?disabled=${button.disabled}
                    aria-busy=${busy === button.label ? "true" : "false"}
                    @click=${(event) => {
                      if (!button.primary) {
                        event.preventDefault();
                        press(button);
                      }
                    }}
                  >
                    ${button.label}
                  </button>
                `,
              )}
            </footer>
          </form>
        </article>
      `;
      dialog.addEventListener("close", () => {
        render(null, dialog);
        dialog.remove();
        this.#open.delete(dialog);
        resolve(value);
      });
      invalidate();
      document.body.append(dialog);
      this.#open.set(dialog, invalidate);
      dialog.showModal();
    });
  }
}

const listed = (buttons) => (typeof buttons === "function" ? buttons() : buttons);

function buttonClass(button) {
  if (button.danger) return "danger";
  return button.primary ? "" : "secondary";
}
