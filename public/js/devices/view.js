import { View } from "../app/view.js";
import { html } from "../vendor.js";
import { DeviceView } from "./device_view.js";
import { DeviceListView } from "./list_view.js";

/** All devices, or one of them: `#/devices?show=late`, `#/devices/ID?day=2026-11-25`. */
export default class DevicesView extends View {
  #child = null;
  #id = null;
  #listQuery = {};

  routed(route) {
    const id = route.parts[1] ?? null;
    if (!id) this.#listQuery = route.query;
    if (this.#child && id === this.#id) {
      this.#child.routed(route);
      return;
    }
    this.#child?.close();
    this.#id = id;
    const element = document.createElement("div");
    this.#child = id
      ? new DeviceView(this.application, element, { id, back: () => this.#listQuery })
      : new DeviceListView(this.application, element);
    this.#child.open(route);
    this.invalidate();
  }

  template() {
    return html`${this.#child.element}`;
  }

  closed() {
    this.#child?.close();
  }
}
