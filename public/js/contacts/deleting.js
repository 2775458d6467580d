import { plural } from "../core/times.js";

/**
 * Deletes a few contacts at once, and offers to take it back. `list` is shown anew: who deletes
 * expects the row to go.
 */
export async function deleteWithUndo({ mutations, store, toasts }, ids, list) {
  const writes = ids.map((id) =>
    mutations.write("contact_delete", { id, base_version: store.server("contact", id)?.version }),
  );
  const outcomes = await Promise.allSettled(writes);
  const deleted = ids.filter((_, at) => outcomes[at].status === "fulfilled");
  for (const { reason } of outcomes.filter(({ status }) => status === "rejected").slice(0, 1))
    toasts.error(reason);
  if (!deleted.length) return;
  list.selection.remove(deleted);
  list.live.apply();
  toasts.show(`${plural(deleted.length, "contact")} deleted.`, {
    kind: "success",
    action: { label: "Undo", run: () => restore({ mutations, toasts }, deleted, list) },
  });
}

async function restore({ mutations, toasts }, ids, list) {
  const outcomes = await Promise.allSettled(
    ids.map((id) => mutations.write("contact_restore", { id })),
  );
  const refused = outcomes.find(({ status }) => status === "rejected");
  if (refused) toasts.error(refused.reason);
  else toasts.show(`${plural(ids.length, "contact")} restored.`, { kind: "success" });
  list.live.apply();
}
