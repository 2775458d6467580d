import assert from "node:assert/strict";
import { test } from "node:test";
import { format, parse } from "../../../public/js/app/router.js";

test("an address keeps the view, the open row and the filters", () => {
  const route = parse("#/contacts/V1StGXR8_Z5j?search=ann+lee&tag=a&tag=b");
  assert.deepEqual(route, {
    path: "/contacts/V1StGXR8_Z5j",
    parts: ["contacts", "V1StGXR8_Z5j"],
    query: { search: "ann lee", tag: ["a", "b"] },
  });
  assert.deepEqual(parse(`#${format(route.path, route.query)}`), route);
});

test("what is empty is left out of an address", () => {
  assert.equal(
    format("/contacts", { search: "", tag: null, sort: undefined, deleted: "true" }),
    "/contacts?deleted=true",
  );
  assert.equal(format("/contacts"), "/contacts");
});

test("a search for a question mark or an ampersand comes back whole", () => {
  const query = { search: "a?b&c=d#e %" };
  assert.deepEqual(parse(`#${format("/contacts", query)}`).query, query);
});

test("a percent sign that was typed by hand means itself", () => {
  assert.deepEqual(parse("#/contacts/100%").parts, ["contacts", "100%"]);
});

test("no fragment is the start", () => {
  assert.deepEqual(parse(""), { path: "/", parts: [], query: {} });
});
