import assert from "node:assert/strict";
import { test } from "node:test";
import {
  bulkFilter,
  filtersInWords,
  filtersOf,
  isFiltered,
  listQuery,
  nextSort,
  sameQuery,
  withoutFilter,
} from "../../../public/js/contacts/query.js";

const store = {
  label: (entity, id) => (entity === "tag" && id === "t1" ? { name: "<b>VIP</b>" } : undefined),
  agentName: (id) => (id === "ann" ? "Ann Lee" : "somebody"),
};

test("an address gives the filters that it names, whatever else stands in it", () => {
  const parameters = {
    search: "  ann  ",
    tag: ["t1", "t2", "t1"],
    group: "g1",
    has_email: "true",
    deleted: "true",
    sort: "-updated_at",
    colour: "red",
  };
  assert.deepEqual(listQuery(parameters), {
    search: "ann",
    tag: ["t1", "t2"],
    group: ["g1"],
    has_email: "true",
    deleted: "true",
    sort: "-updated_at",
  });
});

test("what the server would refuse is left out of the query", () => {
  const parameters = { has_phone: "perhaps", deleted: "false", sort: "salary", owner_id: "" };
  assert.deepEqual(listQuery(parameters), {});
});

test("the order by name needs no word in the address", () => {
  assert.deepEqual(listQuery({ sort: "display_name" }), {});
  assert.deepEqual(listQuery({ sort: "-display_name" }), { sort: "-display_name" });
});

test("a click on a head sorts by it, another turns that round", () => {
  assert.equal(nextSort({}, "company"), "company");
  assert.equal(nextSort({ sort: "company" }, "company"), "-company");
  assert.equal(nextSort({ sort: "-company" }, "company"), "company");
  assert.equal(nextSort({}, "display_name"), "-display_name");
});

test("by time, the newest come first", () => {
  assert.equal(nextSort({}, "updated_at"), "-updated_at");
  assert.equal(nextSort({ sort: "-updated_at" }, "updated_at"), "updated_at");
});

test("an order is no filter", () => {
  assert.equal(isFiltered({ sort: "company" }), false);
  assert.equal(isFiltered({ has_email: "false" }), true);
  assert.deepEqual(filtersOf({ sort: "company", search: "x" }), { search: "x" });
});

test("a bulk edit's filter has JSON's own flags, and no order", () => {
  const query = { search: "x", tag: ["t1"], has_email: "true", active: "false", sort: "company" };
  assert.deepEqual(bulkFilter(query), { search: "x", tag: ["t1"], has_email: true, active: false });
});

test("the same parameters in another order are the same query", () => {
  assert.ok(sameQuery({ search: "x", sort: "company" }, { sort: "company", search: "x" }));
  assert.ok(!sameQuery({ search: "x" }, { search: "y" }));
});

test("nobody is an owner to filter by, called so", () => {
  const query = listQuery({ owner_id: "none" });
  assert.deepEqual(query, { owner_id: "none" });
  assert.deepEqual(bulkFilter(query), { owner_id: "none" });
  assert.deepEqual(
    filtersInWords(query, store).map(({ text }) => text),
    ["Owner: nobody"],
  );
});

test("filters are told in words, and each can be taken away", () => {
  const query = { search: "x", tag: ["t1", "gone"], owner_id: "ann", has_phone: "false" };
  const words = filtersInWords(query, store);
  assert.deepEqual(
    words.map(({ text }) => text),
    ["Tag: <b>VIP</b>", "Tag: gone", "Owner: Ann Lee", "Has no phone"],
  );
  assert.deepEqual(withoutFilter(query, words[0]).tag, ["gone"]);
  assert.deepEqual(words.reduce(withoutFilter, query), { search: "x" });
});
