import assert from "node:assert/strict";
import { test } from "node:test";

import { describeChange, describeChanges, labelOf } from "../../../public/js/parts/changes.js";

const store = {
  label: (entity, id) => (id === "vip" && entity === "tag" ? { name: "VIP" } : undefined),
  agentName: (id) => (id === "ann" ? "Ann Lee" : "somebody"),
};

test("a plain value is told from and to", () => {
  assert.deepEqual(describeChange("job_title", { from: "Clerk", to: "Head" }, store), [
    { label: "Job title", from: "Clerk", to: "Head" },
  ]);
});

test("what was or is nothing is an empty text", () => {
  assert.deepEqual(describeChange("notes", { from: null, to: "x" }, store), [
    { label: "Notes", from: "", to: "x" },
  ]);
  assert.deepEqual(describeChange("notes", { from: "x" }, store), [
    { label: "Notes", from: "x", to: "" },
  ]);
});

test("false and zero are values, not nothing", () => {
  assert.equal(describeChange("active", { from: true, to: false }, store)[0].to, "no");
  assert.equal(describeChange("custom", { from: {}, to: { n: 0 } }, store)[0].to, "0");
});

test("labels are told by name, and only those that came and went", () => {
  assert.deepEqual(describeChange("tag_ids", { from: ["a", "gone"], to: ["a", "vip"] }, store), [
    { label: "Tags", added: ["VIP"], removed: ["a deleted tag"] },
  ]);
});

test("a single label that lost is told like a set", () => {
  assert.deepEqual(describeChange("tag_ids.vip", { from: false, to: true }, store), [
    { label: "Tags", added: ["VIP"], removed: [] },
  ]);
  assert.deepEqual(describeChange("tag_ids.vip", { from: true, to: false }, store)[0].removed, [
    "VIP",
  ]);
});

test("of a list the items that came and went are told, with their labels", () => {
  const from = [{ label: "work", value: "a@example.com" }];
  const to = [...from, { value: "b@example.com" }];
  assert.deepEqual(describeChange("emails", { from, to }, store), [
    { label: "E-mails", added: ["b@example.com"], removed: [] },
  ]);
});

test("a list in another order is told as a whole", () => {
  const [one, other] = [{ value: "a" }, { value: "b" }];
  assert.deepEqual(describeChange("websites", { from: [one, other], to: [other, one] }, store), [
    { label: "Websites", from: "a, b", to: "b, a" },
  ]);
});

test("an address is one line", () => {
  const address = {
    label: "home",
    street: "Main St 1",
    city: "Bern",
    postal_code: "3000",
    country: "CH",
  };
  assert.deepEqual(describeChange("addresses", { to: [address] }, store)[0].added, [
    "home: Main St 1, 3000, Bern, CH",
  ]);
});

test("each custom field that changed is a line of its own", () => {
  assert.deepEqual(
    describeChange(
      "custom",
      { from: { size: "L", same: 1, old: "x" }, to: { size: "XL", same: 1 } },
      store,
    ),
    [
      { label: "old", from: "x", to: "" },
      { label: "size", from: "L", to: "XL" },
    ],
  );
});

test("a custom field may have dots in its name", () => {
  assert.deepEqual(describeChange("custom.a.b", { from: null, to: "x" }, store), [
    { label: "a.b", from: "", to: "x" },
  ]);
});

test("preferences are told by their way", () => {
  assert.deepEqual(describeChange("preferences", { to: { email: "opted_out" } }, store), [
    { label: "By e-mail", from: "", to: "opted out" },
  ]);
});

test("an owner is told by name, and nobody is nothing", () => {
  assert.deepEqual(describeChange("owner_id", { from: null, to: "ann" }, store), [
    { label: "Owner", from: "", to: "Ann Lee" },
  ]);
});

test("what follows from other fields is no line", () => {
  assert.deepEqual(describeChange("display_name", { from: "A", to: "B" }, store), []);
});

test("lines come in the order of a contact's form", () => {
  const changes = {
    zebra: { to: "z" },
    custom: { to: { a: "1" } },
    first_name: { to: "Ann" },
    notes: { to: "n" },
  };
  assert.deepEqual(
    describeChanges(changes, store).map(({ label }) => label),
    ["First name", "Notes", "a", "Zebra"],
  );
});

test("a field that is not known has readable words", () => {
  assert.equal(labelOf("conflict_days"), "Conflict days");
});

test("an object of an action's detail is told in words", () => {
  assert.equal(
    describeChange("filter", { to: { has_email: true, search: "ann" } }, store)[0].to,
    "has email yes, search ann",
  );
});
