import assert from "node:assert/strict";
import { test } from "node:test";

import { ApiError, offline } from "../../../public/js/core/errors.js";
import { draftOf, ImportDraft } from "../../../public/js/imports/draft.js";

const FILE = new File(["a"], "a.csv");
const ANSWER = { dry_run: true };

/** REST whose uploads wait until they are answered: `sent` are those that were asked for. */
function server() {
  const sent = [];
  const upload = (path, file, query, { onProgress, signal, headers }) =>
    new Promise((resolve, reject) => {
      signal.addEventListener("abort", () => reject(signal.reason));
      sent.push({ path, file, query, headers, onProgress, signal, resolve, reject });
    });
  return { sent, upload };
}

const settled = () => new Promise((resolve) => setImmediate(resolve));

test("a chosen file is sent, looked through and shown", async () => {
  const rest = server();
  const draft = new ImportDraft(rest);
  draft.choose(FILE);
  assert.equal(draft.state, "sending");
  assert.deepEqual(rest.sent[0].query, { dry_run: true });
  rest.sent[0].onProgress(0.5);
  assert.deepEqual([draft.state, draft.sent], ["sending", 0.5]);
  rest.sent[0].onProgress(1);
  assert.equal(draft.state, "reading");
  assert.ok(draft.busy && !draft.ready);
  rest.sent[0].resolve(ANSWER);
  await settled();
  assert.deepEqual([draft.state, draft.answer], ["shown", ANSWER]);
  assert.ok(draft.ready);
});

test("changes that follow each other are asked once, and only the last answer counts", async (t) => {
  t.mock.timers.enable({ apis: ["setTimeout"] });
  const rest = server();
  const draft = new ImportDraft(rest);
  draft.choose(FILE);
  draft.wish("A", "company");
  draft.set("mode", "create");
  assert.equal(draft.state, "waiting");
  assert.ok(rest.sent[0].signal.aborted);
  t.mock.timers.tick(1_000);
  assert.equal(rest.sent.length, 2);
  assert.deepEqual(rest.sent[1].query, {
    dry_run: true,
    mode: "create",
    mapping: '{"A":"company"}',
  });
});

test("another encoding, delimiter or format ends the wishes for columns", () => {
  for (const name of ["encoding", "delimiter", "format"]) {
    const draft = new ImportDraft(server());
    draft.wishes = { Größe: "notes" };
    draft.set(name, "x");
    assert.deepEqual(draft.wishes, {}, name);
    draft.stop();
  }
});

test("what is refused says why, and the file stays chosen", async () => {
  const rest = server();
  const draft = new ImportDraft(rest);
  draft.choose(FILE);
  rest.sent[0].reject(new ApiError("invalid", "Row 2: no.", { row: 2 }));
  await settled();
  assert.deepEqual([draft.state, draft.error.message, draft.file], ["refused", "Row 2: no.", FILE]);
  assert.ok(!draft.ready);
});

test("what is stopped stays stopped, also if the answer was on its way", async () => {
  const rest = server();
  const draft = new ImportDraft(rest);
  draft.choose(FILE);
  draft.stop();
  rest.sent[0].resolve(ANSWER);
  await settled();
  assert.deepEqual([draft.state, draft.answer], ["stopped", null]);
});

test("an import that did not get through is sent again as the same one", async () => {
  const rest = server();
  const draft = new ImportDraft(rest);
  draft.choose(FILE);
  rest.sent[0].resolve(ANSWER);
  await settled();
  const lost = draft.run();
  assert.equal(draft.state, "starting");
  rest.sent[1].reject(offline());
  assert.equal(await lost, null);
  assert.ok(draft.ready, "it may be tried again");
  const again = draft.run();
  const [, first, second] = rest.sent;
  assert.ok(first.headers["Idempotency-Key"].length >= 21);
  assert.deepEqual(second.headers, first.headers);
  second.resolve({ id: "job" });
  assert.deepEqual(await again, { id: "job" });
});

test("what is asked anew is another import", async () => {
  const rest = server();
  const draft = new ImportDraft(rest);
  draft.choose(FILE);
  for (let at = 0; at < 4; at += 2) {
    rest.sent[at].resolve(ANSWER);
    await settled();
    draft.run();
    draft.stop();
    draft.ask();
  }
  assert.notDeepEqual(rest.sent[1].headers, rest.sent[3].headers);
});

test("a file that the browser can't read is no lost connection", async () => {
  const rest = server();
  const draft = new ImportDraft(rest);
  const gone = {
    name: "gone.csv",
    slice: () => ({ arrayBuffer: () => Promise.reject(new Error("NotReadableError")) }),
  };
  draft.choose(gone);
  rest.sent[0].reject(offline());
  await settled();
  assert.match(draft.error.message, /can't be read/);
});

test("a file waits for whoever chose it, and for nobody who signs in after them", () => {
  const rest = server();
  const [mine, theirs] = [
    { connection: {}, rest },
    { connection: {}, rest },
  ];
  assert.equal(draftOf(mine), draftOf(mine));
  assert.notEqual(draftOf(mine), draftOf(theirs));
});
