import { newId } from "../core/ids.js";
import { overlaid, withChanges } from "../core/overlay.js";
import { isMendable, withoutLater } from "../core/refusals.js";
import { serverNow } from "../core/times.js";
import { flatOf, formOf } from "./form.js";

/**
 * What was refused of a contact, as a draft to be mended; null where there is nothing, or its contact
 * can't be read now.
 *
 * `unborn` is true when there is no such contact: its creation was refused, or it is gone. What was
 * entered is then a new one, with all that was edited since. `why` says why it was refused.
 */
export async function draftOfRefused(application, id) {
  const { mutations } = application;
  const isCreated = mutations.refusedOf(id).some(isCreation);
  if (isCreated && (await mutations.made(id))) await mutations.dismiss(groupOf(mutations, id));
  const refused = mutations.refusedOf(id);
  const first = refused.find(isMendable);
  if (!first) return null;
  const said = {
    why: first.refused.message,
    mends: refused.map(({ sequence }) => sequence),
    // As the person's clock had it.
    at: first.payload.edited_at + serverNow() - Date.now(),
  };
  const draft = refused.some(isCreation)
    ? draftOfNew(refused, id)
    : await draftOfEdits(application, refused, id);
  return draft && { ...draft, ...said };
}

const isCreation = ({ event }) => event === "contact_create";

/** The refused creation of a row and what was behind it: not what came when it was gone already. */
export function groupOf(mutations, id) {
  const group = mutations.refusedOf(id).filter(({ refused }) => refused.code !== "not_found");
  return group.map(({ sequence }) => sequence);
}

function draftOfNew(refused, id) {
  const shown = overlaid(undefined, refused, "contact");
  if (!shown) return null;
  // The same id, as edits of another tab may be on their way to it; unless it is somebody else's.
  const isTaken = refused.some(({ refused: { details } }) => isOfId(details.fields ?? {}));
  return draftOf(isTaken ? newId() : id, null, shown);
}

const isOfId = (fields) => "contact.id" in fields || "id" in fields;

async function draftOfEdits(application, refused, id) {
  const { mutations } = application;
  const row = await readRow(application, id);
  if (row === undefined) return null;
  const kept = await mutations.kept(id);
  const edits = refused.filter(({ event }) => event === "contact_update");
  let edited = row ?? {};
  for (const { payload, sequence } of edits) {
    const later = kept.filter((each) => isLaterEdit(each, sequence));
    const changes = withoutLater(
      payload.changes,
      later.map((each) => each.payload.changes),
    );
    edited = withChanges(edited, changes);
  }
  return draftOf(row ? id : newId(), row, edited);
}

const isLaterEdit = (each, sequence) =>
  each.event === "contact_update" && each.sequence > sequence && !each.refused;

/** The contact as it is now; null where there is none, undefined where that can't be known. */
async function readRow({ rest, store }, id) {
  const known = store.get("contact", id);
  if (known) return known;
  try {
    return await rest.get(`/api/contacts/${encodeURIComponent(id)}`);
  } catch (error) {
    if (error.code === "not_found" || error.code === "gone") return null;
    if (error.passing) return undefined;
    throw error;
  }
}

const draftOf = (id, row, edited) => ({
  id,
  unborn: !row,
  version: row?.version ?? 0,
  base: flatOf(formOf(row ?? {})),
  form: formOf(edited),
});
