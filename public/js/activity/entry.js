import { formatClock, formatTime } from "../core/times.js";
import { changeList } from "../parts/change_list.js";
import { html, nothing } from "../vendor.js";
import { ORIGINS, OUTCOMES, sentenceOf, shownChanges, whoOf } from "./words.js";

const LINES = 5;

/** One entry: who did what to whom, on which device, and what changed from what to what. */
export function entryRow(entry, { store, router, deviceName }) {
  const { verb, thing, name, href } = sentenceOf(entry, { router, deviceName });
  const outcome = OUTCOMES[entry.outcome];
  return html`
    <li class="activity-entry" data-test="entry" data-id=${entry.id}>
      <time class="activity-time" datetime=${entry.at} title=${formatTime(entry.at)}>${formatClock(entry.at)}</time>
      <div class="activity-what">
        <p>
          <strong>${whoOf(entry, store)}</strong> ${verb} ${thing ?? nothing}
          ${name ? (href ? html`<a href=${href}>${name}</a>` : html`<em>${name}</em>`) : nothing}
          ${outcome?.badge ? html`<span class="badge badge-${outcome.badge}">${outcome.word}</span>` : nothing}
        </p>
        ${changeList(shownChanges(entry), store, { most: LINES })}
      </div>
      <p class="activity-origin">
        ${ORIGINS[entry.origin] ?? entry.origin}${
          entry.device
            ? html`<br /><a href=${router.href(`/devices/${encodeURIComponent(entry.device)}`)}>${deviceName(entry.device)}</a>`
            : nothing
        }
      </p>
    </li>
  `;
}
