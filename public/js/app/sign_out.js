import { plural } from "../core/times.js";

// What is on its way gets so long to arrive before one is asked.
const PATIENCE_MS = 2_000;

/** Signs out, and asks before that where edits of this browser are not sent yet. */
export async function askToSignOut(application) {
  const { connection, dialogs, mutations, session, toasts } = application;
  await Promise.race([toasts.clear(), pause(PATIENCE_MS)]);
  const { waiting } = mutations;
  if (waiting && !(await dialogs.confirm(question(waiting, connection, session)))) return;
  application.signOut();
}

const pause = (delay) => new Promise((resolve) => setTimeout(resolve, delay));

function question(waiting, connection, session) {
  const are = waiting === 1 ? "is" : "are";
  const why = connection.state === "online" ? "" : "There is no connection to the server. ";
  return {
    title: `${plural(waiting, "change")} ${are} not sent yet`,
    text: `${why}What is unsent stays in this browser, and is sent when ${session.agent.name} signs in here again. Nobody else sees it until then.`,
    action: "Sign out all the same",
    danger: true,
  };
}
