import { formatClock, plural } from "../core/times.js";
import { icon } from "../parts/icon.js";
import { html, nothing } from "../vendor.js";

// A line that is back within a moment needs no words.
const PATIENCE_MS = 1_500;

/** "Offline since 10:42, 3 changes wait", or nothing; also while edits wait on a living line. */
export function banner({ connection, mutations }, now = Date.now()) {
  const { waiting } = mutations;
  const away = connection.state !== "online" && now - connection.since >= PATIENCE_MS;
  if (!away) return nothing;
  return html`
    <div class="banner" role="status" data-test="offline-banner">
      ${icon("offline")}
      <span>
        Offline since ${formatClock(connection.since)}${waiting ? `, ${changesWait(waiting)}` : ""}.
        ${waiting ? `${waiting === 1 ? "It is" : "They are"} sent` : "You can go on; edits are kept here, and sent"}
        when the connection is back.
      </span>
    </div>
  `;
}

const changesWait = (waiting) => `${plural(waiting, "change")} ${waiting === 1 ? "waits" : "wait"}`;
