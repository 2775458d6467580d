import { formatTime, timeAgo } from "../core/times.js";
import { chip } from "../parts/chips.js";
import { icon } from "../parts/icon.js";
import { html, nothing } from "../vendor.js";
import { formatBirthday } from "./birthday.js";
import { CHANNELS, SETS } from "./fields.js";
import { mailHref, phoneHref, websiteHref } from "./links.js";

/** What is known of a contact, to be read. `heading` is of `headingsFor`. */
export function reading(contact, { store, heading, actions, conflictNotice = nothing }) {
  return html`
    <header class="contact-head">
      <div class="contact-title">
        ${heading(1, contact.display_name || "Contact without a name")}
        ${subtitle(contact)}
        <div class="contact-badges">${badges(contact)}</div>
      </div>
      <div class="buttons">${actions}</div>
    </header>
    ${conflictNotice}
    <dl class="contact-facts">
      ${items("Phone", contact.phones, (phone) => link(phoneHref(phone), phone.value), consent(contact, "phone"))}
      ${items("E-mail", contact.emails, ({ value }) => link(mailHref(value), value), consent(contact, "email"))}
      ${items("Address", contact.addresses, address)}
      ${items("Website", contact.websites, website)}
      ${fact("Department", contact.department)}
      ${fact("Birthday", formatBirthday(contact.birthday))}
      ${SETS.map(({ name, entity, label }) => labels(label, contact[name], entity, store))}
      ${fact("Owner", contact.owner_id ? store.agentName(contact.owner_id) : html`<span class="muted">Nobody</span>`)}
      ${fact("Notes", contact.notes && html`<div class="contact-lines">${contact.notes}</div>`)}
      ${custom(contact.custom)} ${preferences(contact.preferences)}
      ${fact("External id", contact.external_id)}
    </dl>
    ${provenance(contact, store)}
  `;
}

function subtitle({ job_title, company, display_name }) {
  const text = [job_title, company === display_name ? "" : company].filter(Boolean).join(" · ");
  return text ? html`<p class="muted contact-subtitle">${text}</p>` : nothing;
}

function badges({ active, pending, preferences }) {
  const opted = Object.values(preferences ?? {}).includes("opted_out");
  return html`
    ${pending ? html`<span class="badge badge-warning" data-test="pending">${icon("offline")}Not sent yet</span>` : nothing}
    ${active === false ? html`<span class="badge">Not active</span>` : nothing}
    ${opted ? html`<span class="badge badge-bad">Has opted out</span>` : nothing}
  `;
}

const fact = (term, value) =>
  value ? html`<div><dt>${term}</dt><dd>${value}</dd></div>` : nothing;

function items(term, list, shown, note = nothing) {
  if (!list?.length) return nothing;
  const item = (each) => html`
    <li>${shown(each)} ${each.label ? html`<span class="muted contact-label">${each.label}</span>` : nothing}</li>
  `;
  return fact(term, html`<ul class="contact-values">${list.map(item)}</ul>${note}`);
}

const link = (href, text) => (href ? html`<a href=${href}>${text}</a>` : text);

/** As a link only by http(s): a `javascript:` address is just a text. */
function website({ value }) {
  const href = websiteHref(value);
  if (!href) return value;
  return html`<a href=${href} target="_blank" rel="noopener noreferrer">${value}</a>`;
}

function address({ street, postal_code, city, region, country }) {
  const town = [postal_code, city].filter(Boolean).join(" ");
  const lines = [street, town, region, country].filter(Boolean);
  return html`<address class="contact-lines">${lines.join("\n")}</address>`;
}

function consent({ preferences }, channel) {
  return preferences?.[channel] === "opted_out"
    ? html`<span class="badge badge-bad">Opted out</span>`
    : nothing;
}

function labels(term, ids, entity, store) {
  if (!ids?.length) return nothing;
  const given = new Set(ids);
  const known = store.labels(entity).filter(({ id }) => given.has(id));
  return fact(term, html`<span class="contact-chips">${known.map(chip)}</span>`);
}

function custom(fields) {
  const entries = Object.entries(fields ?? {}).sort(([one], [other]) => one.localeCompare(other));
  const text = (value) => (typeof value === "boolean" ? (value ? "yes" : "no") : String(value));
  return entries.map(([term, value]) =>
    fact(term, html`<div class="contact-lines">${text(value)}</div>`),
  );
}

function preferences(given = {}) {
  const texts = CHANNELS.filter(({ name }) => given[name]).map(
    ({ name, label }) =>
      html`<li>${label}: ${given[name] === "opted_out" ? "opted out" : "opted in"}</li>`,
  );
  return texts.length
    ? fact("May be reached", html`<ul class="contact-values">${texts}</ul>`)
    : nothing;
}

/** Who made and changed it, and when; of one that is unsent nobody knows yet. */
function provenance({ created_at, created_by, updated_at, updated_by }, store) {
  if (!created_at) return nothing;
  const when = (time) =>
    html`<time datetime=${time} title=${exactly(time)}>${timeAgo(time)}</time>`;
  return html`
    <p class="muted contact-provenance">
      Made by ${store.agentName(created_by)} ${when(created_at)}, last changed by
      ${store.agentName(updated_by)} ${when(updated_at)}.
    </p>
  `;
}

const exact = new Intl.DateTimeFormat(undefined, { dateStyle: "full", timeStyle: "long" });

/** A time to the second, with its zone. */
export const exactly = (time) => (time ? exact.format(new Date(time)) : formatTime(time));
