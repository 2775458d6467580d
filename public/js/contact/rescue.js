import { newId } from "../core/ids.js";
import { withChanges } from "../core/overlay.js";
import { serverNow } from "../core/times.js";
import { Editor } from "./editor.js";
import { flatOf, formOf } from "./form.js";

// What was refused for these reasons the server keeps nowhere.
const LOST = ["invalid", "conflict", "too_large"];

/**
 * Keeps an edit that had waited and was refused as a draft, to be mended.
 *
 * Resolves with the path of the page that offers it, null where there is nothing to keep: the
 * server has it in the contact's history, or another draft is in its place.
 */
export async function keepAsDraft({ drafts, rest, store }, { event, payload }, error) {
  if (!LOST.includes(error.code)) return null;
  const draft =
    event === "contact_create"
      ? { name: "new", ...draftOf(newId(), {}, payload.contact) }
      : event === "contact_update"
        ? await draftOfUpdate(payload, { rest, store })
        : null;
  if (!draft) return null;
  const { name, ...kept } = draft;
  if (await drafts.read(Editor.draftName(name))) return null;
  await drafts.write(Editor.draftName(name), kept);
  return `/contacts/${name}`;
}

async function draftOfUpdate({ id, changes }, { rest, store }) {
  const row =
    store.server("contact", id) ?? (await rest.get(`/api/contacts/${encodeURIComponent(id)}`));
  return { name: id, ...draftOf(id, row, withChanges(row, changes)) };
}

const draftOf = (id, row, edited) => ({
  id,
  version: row.version ?? 0,
  base: flatOf(formOf(row)),
  form: formOf(edited),
  at: serverNow(),
});
