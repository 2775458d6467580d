import { show } from "../app/view.js";
import { icon } from "../parts/icon.js";
import { failed, skeleton } from "../parts/states.js";
import { html, nothing } from "../vendor.js";

const load = () => import("../contact/view.js");

/** The second pane: one contact's page (contact/view.js, read when it is needed first). */
export class Pane {
  #view = null;
  #ViewClass = null;
  #wanted = null;

  constructor(application) {
    this.application = application;
    this.element = document.createElement("div");
    this.element.className = "contacts-pane-content";
  }

  /** Shows the contact of the route, or nothing where it names none. */
  async show(route) {
    this.#wanted = route.parts[1] ? route : null;
    if (!this.#wanted) return this.close();
    if (this.#view) return this.#view.routed(route);
    if (!this.#ViewClass) {
      show(this.element, skeleton(6));
      try {
        this.#ViewClass = (await load()).default;
      } catch (error) {
        console.error(error);
        const unread = new Error(
          "This page could not be loaded. Check the connection, then try again.",
        );
        show(
          this.element,
          failed(unread, () => this.show(route)),
        );
        return;
      }
      // Another may be asked for by now, or none.
      if (!this.#wanted || this.#view) return;
      show(this.element, null);
    }
    this.#view = new this.#ViewClass(this.application, this.element);
    this.#view.open(this.#wanted);
  }

  /** Reads the page beforehand, so that contacts can be edited when the line is cut. */
  prepare() {
    // What could not be read is asked for again, and told, when it is needed.
    load().catch(() => null);
  }

  close() {
    this.#wanted = null;
    this.#view?.close();
    this.#view = null;
    show(this.element, null);
  }

  /** The pane with the way back; `wide`: it stands beside the list. */
  template(query, wide) {
    const { router } = this.application;
    return html`
      <section class="contacts-pane" aria-label="Contact" data-test="pane">
        <a class=${wide ? "pane-close" : "pane-back"} href=${router.href("/contacts", query)}
          aria-label=${wide ? "Close the contact" : nothing}>
          ${wide ? icon("close") : html`${icon("arrow_left")} Back to the list`}
        </a>
        ${this.element}
      </section>
    `;
  }
}
