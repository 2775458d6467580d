import { View } from "../app/view.js";
import { html } from "../vendor.js";

export default class ContactsView extends View {
  template() {
    return html`<h1>Contacts</h1><p>${this.application.store.labels("tag").length} tags</p>`;
  }

  opened() {
    this.listen(this.application.store, "changed", this.invalidate);
  }
}
