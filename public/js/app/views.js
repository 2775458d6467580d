/**
 * The views, by the first part of the address; each module is read when it is needed first.
 * `hidden`: it has no place among the views' names, and is reached otherwise.
 * `role`: "leads" is for admins and managers, "admin" for admins; others do not see it.
 */
export const VIEWS = {
  contacts: { title: "Contacts", icon: "contacts", load: () => import("../contacts/view.js") },
  import: {
    title: "Import",
    icon: "import",
    role: "bulk",
    load: () => import("../imports/view.js"),
  },
  jobs: {
    title: "Jobs",
    hidden: true,
    role: "bulk",
    load: () => import("../imports/jobs_view.js"),
  },
  devices: { title: "Devices", icon: "devices", load: () => import("../devices/view.js") },
  statistics: {
    title: "Statistics",
    icon: "statistics",
    role: "leads",
    load: () => import("../statistics/view.js"),
  },
  activity: {
    title: "Activity",
    icon: "activity",
    role: "leads",
    load: () => import("../activity/view.js"),
  },
  labels: {
    title: "Labels",
    icon: "labels",
    load: () => import("../administration/labels_view.js"),
  },
  keys: {
    title: "Your keys",
    hidden: true,
    load: () => import("../administration/own_keys_view.js"),
  },
  administration: {
    title: "Administration",
    icon: "administration",
    role: "admin",
    load: () => import("../administration/view.js"),
  },
};

/** The view of that name, or undefined: an address may say anything. */
export const viewNamed = (name) => (Object.hasOwn(VIEWS, name) ? VIEWS[name] : undefined);

/** Whether somebody may see a view. */
export function allowed(view, session) {
  if (view.role === "admin") return session.is("admin");
  if (view.role === "bulk") return session.is("admin", "manager", "api");
  return view.role !== "leads" || session.leads;
}

const ROLES = { admin: "an admin", manager: "a manager", agent: "an agent", api: "a program" };

/** What one is signed in as: "an agent". */
export const roleWords = ({ role }) => ROLES[role] ?? role;

/** Why an address shows the contacts: there is no such view, or it is for others. */
export function whyNot(view, session) {
  if (!view) return "There is no page at that address, so here are the contacts.";
  const whom = view.role === "admin" ? "admins" : "managers and admins";
  return `“${view.title}” is for ${whom}, and you are signed in as ${roleWords(session)}.`;
}
