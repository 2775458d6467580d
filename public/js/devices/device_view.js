import { View } from "../app/view.js";
import { dayOf, isDay } from "../core/days.js";
import { formatCount } from "../core/times.js";
import { icon } from "../parts/icon.js";
import { failed, skeleton } from "../parts/states.js";
import { html, nothing } from "../vendor.js";
import { askToSync, revoke } from "./actions.js";
import { DeviceHistory } from "./history.js";
import { app, clock, queue, stateBadge, time } from "./table.js";
import { batteryText, behindText, nameOf } from "./words.js";

const LIVE_SECONDS = 5;
const NO_DEVICE = "There is no device with this id. It may be of another company, or mistyped.";

/** One device: how it is, what it did on a day, what can be done to it. */
export class DeviceView extends View {
  #device = null;
  #error = null;
  #history;

  /** `back()` gives the parameters of the list that one came from. */
  constructor(application, element, { id, back }) {
    super(application, element);
    this.id = id;
    this.back = back;
    this.#history = new DeviceHistory(application.rest, id, {
      changed: () => this.invalidate(),
      signal: this.signal,
    });
  }

  opened() {
    this.application.title("Device");
    this.every(LIVE_SECONDS, this.#refresh);
    this.listen(this.application.connection, "stale", this.#refresh);
    this.#read();
  }

  routed({ query }) {
    const { day } = query;
    this.#history.show(isDay(day) && day <= dayOf() ? day : dayOf());
    this.invalidate();
  }

  #refresh() {
    this.#read();
    this.#history.read();
  }

  async #read() {
    const path = `/api/devices/${encodeURIComponent(this.id)}`;
    try {
      this.#device = await this.application.rest.get(path, {}, { signal: this.signal });
      this.#error = null;
      this.application.title(nameOf(this.#device));
    } catch (error) {
      if (this.signal.aborted) return;
      // Also of what could be no id at all, which the server calls no address.
      this.#error = error.code === "not_found" ? new Error(NO_DEVICE) : error;
    }
    this.invalidate();
  }

  template() {
    const { router } = this.application;
    const back = html`
      <a class="back" href=${router.href("/devices", this.back())}>${icon("arrow_left")}All devices</a>
    `;
    if (!this.#device) {
      if (!this.#error) return html`${back}<h1 class="visually-hidden">Device</h1>${skeleton(6)}`;
      return html`${back}<h1 class="visually-hidden">Device</h1>${failed(this.#error, () => this.#refresh())}`;
    }
    const device = this.#device;
    return html`
      ${back}
      <div class="view-head">
        <h1 class="device-name">${nameOf(device)}</h1>
        ${stateBadge(device.state)}
        ${device.state === "revoked" ? nothing : this.#actions(device)}
      </div>
      ${this.#error ? html`<p class="notice" role="status">${this.#error.message}</p>` : nothing}
      <div class="device-page">
        ${this.#facts(device)}
        <div class="device-history">
        ${this.#history.template({
          online: device.online,
          go: (day) => router.go(router.route.path, day === dayOf() ? {} : { day }),
        })}
        </div>
      </div>
    `;
  }

  #actions(device) {
    const act = async (action) => {
      if (await action(this.application, device)) this.#refresh();
    };
    return html`
      <div class="buttons">
        <button type="button" class="secondary" @click=${() => act(askToSync)}>${icon("sync")}Ask it to sync</button>
        <button type="button" class="secondary revoke" @click=${() => act(revoke)}>Revoke</button>
      </div>
    `;
  }

  /** Who uses it; for those who see more than their own, all devices of theirs. */
  #agent({ agent: { name, code } }) {
    const { router, session } = this.application;
    const text = `${name} (${code})`;
    return session.leads
      ? html`<a href=${router.href("/devices", { search: code })}>${text}</a>`
      : text;
  }

  #facts(device) {
    const { router, session } = this.application;
    const facts = [
      ["Agent", this.#agent(device)],
      ["Model", device.model],
      ["System", device.os],
      ["App", app(device)],
      ["Known since", time(device.created_at)],
      ...(device.revoked_at ? [["Revoked", time(device.revoked_at)]] : []),
      ["Last seen", time(device.last_seen, "never")],
      ["Last had everything", time(device.last_sync, "never")],
      ["Behind", behindText(device.lag)],
      ["Has version", formatCount(device.version)],
      ["Queue", queue(device)],
      ["Battery", batteryText(device.battery)],
      ["Network", device.network],
      ["Clock", clock(device)],
      ["Device id", html`<code>${device.id}</code>`],
    ];
    return html`
      <section class="card" aria-labelledby="facts-title">
        <h2 id="facts-title">How it is</h2>
        <dl class="facts">
          ${facts.map(([name, value]) => html`<div><dt>${name}</dt><dd>${value || html`<span class="muted">unknown</span>`}</dd></div>`)}
        </dl>
        ${
          session.leads
            ? html`<p class="device-links">
                <a href=${router.href("/activity", { device: device.id })}>What was edited on it</a>
                <a href=${router.href("/activity", { entity: "device", entity_id: device.id })}>What was done to it</a>
              </p>`
            : nothing
        }
      </section>
    `;
  }
}
