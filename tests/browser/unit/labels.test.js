import assert from "node:assert/strict";
import { test } from "node:test";
import {
  categoriesOf,
  colourName,
  faultOfName,
  formOfLabel,
  labelChanges,
  labelOf,
  matching,
  ordered,
} from "../../../public/js/administration/labels.js";

const VIP = { id: "vip", name: "VIP", color: "#b91c1c", category: "Priority" };
const CAFE = { id: "cafe", name: "Café", category: "Place" };
const LATE = { id: "late", name: "Late payer" };
const ALL = [CAFE, LATE, VIP];
const ids = (labels) => labels.map(({ id }) => id);

test("labels are found by words of name, category or description, accents and capitals aside", () => {
  assert.deepEqual(ids(matching(ALL, "cafe")), ["cafe"]);
  assert.deepEqual(ids(matching(ALL, "PRIO v")), ["vip"]);
  assert.deepEqual(
    ids(matching([{ id: "g", name: "North", description: "Of Zürich" }], "zurich")),
    ["g"],
  );
  assert.deepEqual(matching(ALL, "  "), ALL);
  assert.deepEqual(matching(ALL, "no such"), []);
});

test("labels are sorted by name, by contacts, by category, and the other way round", () => {
  const counts = new Map([
    ["vip", 3],
    ["late", 10],
  ]);
  assert.deepEqual(ids(ordered(ALL, "name", counts)), ["cafe", "late", "vip"]);
  assert.deepEqual(ids(ordered(ALL, "-name", counts)), ["vip", "late", "cafe"]);
  assert.deepEqual(ids(ordered(ALL, "-contacts", counts)), ["late", "vip", "cafe"]);
  assert.deepEqual(ids(ordered(ALL, "category", counts)), ["cafe", "vip", "late"]);
  assert.deepEqual(ids(ordered(ALL, "constructor", counts)), ["cafe", "late", "vip"]);
});

test("a name that is taken is told before it is sent, but a label may keep its own", () => {
  assert.match(faultOfName("vip ", ALL), /already one called “VIP”/);
  assert.equal(faultOfName("vip ", ALL, "vip"), null);
  assert.match(faultOfName("  ", ALL), /Give it a name/);
  assert.match(faultOfName("a".repeat(101), ALL), /100/);
  assert.equal(faultOfName("New", ALL), null);
});

test("only what differs of a label is sent, and null clears", () => {
  assert.deepEqual(labelChanges("tag", VIP, formOfLabel("tag", VIP)), {});
  const form = { name: " Very important ", color: "", category: "Priority" };
  assert.deepEqual(labelChanges("tag", VIP, form), { name: "Very important", color: null });
});

test("a new label has only the fields that were filled in, of its kind", () => {
  const form = { name: "North", description: "" };
  assert.deepEqual(labelOf("group", form), { name: "North" });
  assert.deepEqual(labelOf("tag", { name: "X", color: "#b91c1c", category: "" }), {
    name: "X",
    color: "#b91c1c",
  });
});

test("categories are those in use, each once", () => {
  assert.deepEqual(categoriesOf([...ALL, { id: "x", name: "X", category: "Place" }]), [
    "Place",
    "Priority",
  ]);
});

test("a colour is told by its name where it has one", () => {
  assert.equal(colourName("#b91c1c"), "Red");
  assert.equal(colourName("#123456"), "#123456");
});
