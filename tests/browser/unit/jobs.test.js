import assert from "node:assert/strict";
import { test } from "node:test";

import { Jobs } from "../../../public/js/core/jobs.js";

const settled = () => new Promise((resolve) => setImmediate(resolve));

/** Jobs whose REST answers are given by hand: `asked` are the functions that answer. */
function watched() {
  const asked = [];
  const rest = { get: () => new Promise((resolve) => asked.push(resolve)) };
  const connection = new EventTarget();
  const tell = (job) =>
    connection.dispatchEvent(new CustomEvent("job", { detail: { id: "j", ...job } }));
  return { asked, tell, connection, job: new Jobs(rest, connection).watch("j") };
}

test("what the socket tells while REST is asked is newer than the answer", async () => {
  const { asked, tell, job } = watched();
  tell({ state: "running", progress: 2 });
  asked[0]({ id: "j", state: "running", progress: 1, errors: ["first"] });
  await settled();
  assert.deepEqual([job.job.progress, job.job.errors], [2, ["first"]]);
  job.close();
});

test("an answer is passed over when it was asked anew since", async () => {
  const { asked, tell, job } = watched();
  tell({ state: "done" });
  asked[1]({ id: "j", state: "done", errors: ["all"] });
  await settled();
  asked[0]({ id: "j", state: "running", errors: [] });
  await settled();
  assert.deepEqual([job.job.state, job.job.errors], ["done", ["all"]]);
});

test("a job that ends is read once more, for its findings", async () => {
  const { asked, tell, job } = watched();
  asked[0]({ id: "j", state: "running", errors: [] });
  await settled();
  tell({ state: "done" });
  assert.equal(asked.length, 2);
  asked[1]({ id: "j", state: "done", errors: ["late"] });
  await settled();
  assert.deepEqual([job.job.state, job.job.errors], ["done", ["late"]]);
  assert.ok(job.ended);
});

test("other jobs are not this one, and nothing is told after the end", async () => {
  const { asked, tell, job } = watched();
  asked[0]({ id: "j", state: "running" });
  await settled();
  tell({ id: "other", state: "done" });
  assert.equal(job.job.state, "running");
  job.close();
  tell({ state: "done" });
  assert.equal(job.job.state, "running");
});

test("a job is read again when something was missed", async () => {
  const { asked, connection, job } = watched();
  asked[0]({ id: "j", state: "running" });
  await settled();
  connection.dispatchEvent(new CustomEvent("stale"));
  assert.equal(asked.length, 2);
  job.close();
});
