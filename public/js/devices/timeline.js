import { startOf } from "../core/days.js";
import { formatClock } from "../core/times.js";
import { html, svg } from "../vendor.js";
import { LENGTH, spansOf } from "./spans.js";

/** A day as a line: when it was connected, when it synced, what failed. `open` stands still. */
export function timeline(items, day, open) {
  const { connections, marks } = spansOf(items, day, { open });
  const start = startOf(day);
  return html`
    <div class="timeline" aria-hidden="true" data-test="timeline">
      <svg viewBox="0 0 ${LENGTH} 60" preserveAspectRatio="none">
        <rect class="timeline-day" x="0" y="12" width=${LENGTH} height="36"></rect>
        ${connections.map(
          ({ from, length }) =>
            svg`<rect class="timeline-connection" x=${from} y="12" width=${length} height="36"></rect>`,
        )}
        ${marks.map(
          ({ at, failed }) =>
            svg`<path class=${failed ? "timeline-failure" : "timeline-sync"}
              d="M${at} ${failed ? 0 : 20}V${failed ? 60 : 40}" vector-effect="non-scaling-stroke"></path>`,
        )}
      </svg>
      <div class="timeline-hours">
        ${[0, 6, 12, 18, 24].map((hour) => html`<span>${formatClock(start + hour * 3_600_000)}</span>`)}
      </div>
      <div class="timeline-legend">
        <span class="legend-connection">connected</span>
        <span class="legend-sync">synced or sent edits</span>
        <span class="legend-failure">failed or refused</span>
      </div>
    </div>
  `;
}
