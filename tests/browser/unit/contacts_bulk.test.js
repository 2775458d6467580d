import assert from "node:assert/strict";
import { test } from "node:test";
import {
  changesOf,
  faultOf,
  KINDS,
  newStep,
  stepInWords,
} from "../../../public/js/contacts/bulk_changes.js";

const step = (kind, value, name = "") => ({ ...newStep(kind), value, name });
const store = {
  label: (_entity, id) => (id === "t1" ? { name: "VIP" } : undefined),
  agentName: () => "Ann Lee",
};

test("labels are added and removed, never replaced", () => {
  const steps = [
    step("add_tag", "t1"),
    step("add_tag", "t2"),
    step("remove_tag", "t3"),
    step("add_group", "g1"),
  ];
  assert.deepEqual(changesOf(steps), {
    tag_ids: { add: ["t1", "t2"], remove: ["t3"] },
    group_ids: { add: ["g1"], remove: [] },
  });
});

test("of two steps for one label the later counts", () => {
  const steps = [step("add_tag", "t1"), step("remove_tag", "t1"), step("remove_tag", "t1")];
  assert.deepEqual(changesOf(steps), { tag_ids: { add: [], remove: ["t1"] } });
});

test("nothing clears a field, and nobody is an owner, too", () => {
  const steps = [step("company", "  "), step("owner", ""), step("custom", "", "size")];
  assert.deepEqual(changesOf(steps), { company: null, owner_id: null, custom: { size: null } });
});

test("fields of one's own and permissions are set beside each other", () => {
  const steps = [
    step("custom", "L", " size "),
    step("custom", "red", "colour"),
    step("may_email", "opted_out"),
    step("may_sms", ""),
    step("active", "false"),
  ];
  assert.deepEqual(changesOf(steps), {
    custom: { size: "L", colour: "red" },
    preferences: { email: "opted_out", sms: null },
    active: false,
  });
});

test("what a step lacks is told", () => {
  assert.equal(faultOf(step("add_tag", "")), "Choose a tag.");
  assert.equal(faultOf(step("custom", "x")), "Give the field's name.");
  assert.equal(faultOf(step("company", "")), null);
});

test("every kind of step can be asked for and told in words", () => {
  for (const kind of Object.keys(KINDS)) {
    const one = { ...newStep(kind), name: "size" };
    assert.ok(Object.keys(changesOf([one])).length, kind);
    assert.match(stepInWords(one, store), /\w/, kind);
  }
  assert.equal(stepInWords(step("add_tag", "t1"), store), "Add the tag VIP");
  assert.equal(stepInWords(step("company", "<b>"), store), "Company: <b>");
});
