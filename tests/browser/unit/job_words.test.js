import assert from "node:assert/strict";
import { test } from "node:test";

import {
  canCancel,
  canUndo,
  countsOf,
  jobTitle,
  progressOf,
  stateWords,
  summaryOf,
  undoQuestion,
} from "../../../public/js/parts/job_words.js";

const NO_COUNTS = { rows: 0, created: 0, updated: 0, unchanged: 0, conflicts: 0, errors: 0 };

function job(over = {}) {
  return {
    kind: "import",
    state: "running",
    file_name: "a.csv",
    error: null,
    ...over,
    counts: { ...NO_COUNTS, ...over.counts },
    progress: { done: 0, total: null, ...over.progress },
  };
}

const UNDOING = { undo: { undone: 3, left: 1 } };

test("a job that is undone says so, while it runs and when it ended", () => {
  assert.equal(stateWords(job()).label, "Running");
  assert.equal(stateWords(job(UNDOING)).label, "Being undone");
  assert.equal(stateWords(job({ ...UNDOING, state: "queued" })).label, "Undo waits");
  assert.equal(stateWords(job({ ...UNDOING, state: "failed" })).label, "Undo failed");
  assert.equal(stateWords(job({ ...UNDOING, state: "undone" })).label, "Undone");
});

test("a state of a later server is shown as it is", () => {
  assert.deepEqual(stateWords(job({ state: "paused" })), { label: "paused", badge: "" });
});

test("what runs can be cancelled, but an undo can't", () => {
  assert.ok(canCancel(job()));
  assert.ok(canCancel(job({ state: "queued" })));
  assert.ok(!canCancel(job(UNDOING)));
  assert.ok(!canCancel(job({ state: "done" })));
});

test("only what is over and changed something can be undone, and once", () => {
  const counts = { created: 1 };
  for (const state of ["done", "failed", "cancelled"]) assert.ok(canUndo(job({ state, counts })));
  for (const state of ["queued", "running", "undone"]) assert.ok(!canUndo(job({ state, counts })));
  assert.ok(!canUndo(job({ state: "done", counts: { unchanged: 4, errors: 2 } })));
  assert.ok(
    canUndo(job({ state: "failed", counts, ...UNDOING })),
    "an undo that failed may be tried again",
  );
});

test("progress is unknown until the rows are counted", () => {
  assert.deepEqual(progressOf(job()), { done: 0, total: null, fraction: null, text: "Counting…" });
  assert.equal(progressOf(job({ progress: { done: 50, total: 200 } })).fraction, 0.25);
  assert.equal(progressOf(job({ progress: { done: 50, total: 200 } })).text, "50 of 200 rows");
  assert.equal(
    progressOf(job({ kind: "update", progress: { done: 1, total: 1 } })).text,
    "1 of 1 contact",
  );
  assert.equal(
    progressOf(job({ ...UNDOING, progress: { done: 1, total: 4 } })).text,
    "1 of 4 changes",
  );
});

test("a file without rows is at its end when it is over, and not before", () => {
  assert.equal(progressOf(job({ progress: { done: 0, total: 0 } })).fraction, 0);
  assert.equal(progressOf(job({ state: "done", progress: { done: 0, total: 0 } })).fraction, 1);
});

test("an edit makes no contacts, so it says nothing of them", () => {
  const names = (kind) => countsOf(job({ kind })).map(({ name }) => name);
  assert.deepEqual(names("import"), ["created", "updated", "unchanged", "conflicts", "errors"]);
  assert.deepEqual(names("update"), ["updated", "unchanged", "conflicts", "errors"]);
});

test("the summary tells what is not nought", () => {
  const counts = { created: 1_200, errors: 1, conflicts: 2 };
  assert.equal(
    summaryOf(job({ counts })),
    `${(1_200).toLocaleString()} created, 2 conflicts, 1 error`,
  );
  assert.equal(summaryOf(job()), "Nothing yet");
  assert.equal(summaryOf(job({ state: "done" })), "Nothing was changed");
  assert.equal(
    summaryOf(job({ ...UNDOING, state: "undone", counts })),
    "3 contacts taken back, 1 left as they were edited since",
  );
});

test("an undo says what it will do before it does it", () => {
  assert.match(
    undoQuestion(job({ counts: { created: 1 } })),
    /^1 contact that it made is deleted\. /,
  );
  assert.match(
    undoQuestion(job({ counts: { created: 2, updated: 3 } })),
    /^2 contacts that it made are deleted, 3 contacts are put back as before\. /,
  );
});

test("a job is called by its file", () => {
  assert.equal(jobTitle(job()), "Import of a.csv");
  assert.equal(jobTitle(job({ file_name: null })), "Import");
});

test("what a deletion changed is told as deleted", () => {
  const edit = { contacts: 3, delete: true, merge: null, changed: [] };
  const deletion = { kind: "update", state: "done", counts: { updated: 3, errors: 1 } };
  assert.equal(summaryOf(job({ ...deletion, edit })), "3 deleted, 1 error");
  const other = job({ ...deletion, edit: { ...edit, delete: false, changed: ["notes"] } });
  assert.equal(summaryOf(other), "3 changed, 1 error");
});

test("an edit is called by what it does", () => {
  const title = (edit, total = null) =>
    jobTitle(
      job({
        kind: "update",
        file_name: null,
        edit: { contacts: null, delete: false, merge: null, changed: [], ...edit },
        progress: { total },
      }),
    );
  assert.equal(title({ delete: true, contacts: 12 }), "Deletion of 12 contacts");
  assert.equal(title({ delete: true, contacts: 1 }, 1), "Deletion of 1 contact");
  assert.equal(title({ delete: true }, 4_211), "Deletion of 4,211 contacts");
  assert.equal(title({ delete: true }), "Deletion of contacts");
  const merge = { plural: "groups", from_name: "A", into_name: "B" };
  assert.equal(title({ merge }), "Merge of the group A into B");
  assert.equal(title({ changed: ["owner_id"] }), "Owner set");
  assert.equal(title({ changed: ["tag_ids"] }), "Tags changed");
  assert.equal(title({ changed: ["owner_id", "tag_ids"] }), "Owner and tags changed");
  assert.equal(
    title({ changed: ["owner_id", "tag_ids", "custom.Shoe, size"] }),
    "Owner, tags and “Shoe, size” changed",
  );
  assert.equal(title({ changed: ["preferences.sms", "preferences.email"] }), "Preferences set");
  assert.equal(title({ changed: ["notes", "company", "owner_id", "active"] }), "4 fields changed");
});
