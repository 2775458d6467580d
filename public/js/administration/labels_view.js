import { View } from "../app/view.js";
import { html } from "../vendor.js";
export default class LabelsView extends View {
  template() {
    return html`<h1>Labels</h1>`;
  }
}
