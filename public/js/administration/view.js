import { View } from "../app/view.js";
import { html, nothing } from "../vendor.js";
import { AgentsSection } from "./agents_section.js";
import { KeysSection } from "./keys_section.js";
import { SettingsSection } from "./settings_section.js";

const SECTIONS = {
  agents: { title: "Agents", Section: AgentsSection },
  keys: { title: "API keys", Section: KeysSection },
  settings: { title: "Settings", Section: SettingsSection },
};

/** `#/administration/agents|keys|settings`: for admins. */
export default class AdministrationView extends View {
  #name = null;
  #section = null;

  routed(route) {
    const name = route.parts[1];
    if (!SECTIONS[name]) {
      this.application.router.replace({}, "/administration/agents");
      return;
    }
    if (name === this.#name) {
      this.#section.routed(route);
      return;
    }
    this.#close();
    this.#name = name;
    this.renderNow();
    const element = this.element.querySelector(".administration-section");
    this.#section = new SECTIONS[name].Section(this.application, element);
    this.#section.open(route);
  }

  template() {
    return html`
      <nav class="tabs" aria-label="Administration">
        <ul>
          ${Object.entries(SECTIONS).map(
            ([name, { title }]) => html`
              <li>
                <a
                  href=${this.application.router.href(`/administration/${name}`)}
                  aria-current=${name === this.#name ? "page" : nothing}
                  >${title}</a
                >
              </li>
            `,
          )}
        </ul>
      </nav>
      <div class="administration-section"></div>
    `;
  }

  #close() {
    this.#section?.close();
    this.#section = null;
  }

  closed() {
    this.#close();
  }
}
