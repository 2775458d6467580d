import assert from "node:assert/strict";
import { test } from "node:test";
import { errorOf } from "../../../public/js/core/errors.js";
import { address, nameIn } from "../../../public/js/core/rest.js";

test("a query leaves out what is empty and repeats what is a list", () => {
  assert.equal(
    address("/api/contacts", { search: "a b", tag: ["x", "y"], cursor: null, company: "" }),
    "/api/contacts?search=a+b&tag=x&tag=y",
  );
  assert.equal(address("/api/contacts"), "/api/contacts");
  assert.equal(address("/api/contacts", { offset: 0 }), "/api/contacts?offset=0");
});

test("a file is saved under the server's name for it", () => {
  assert.equal(nameIn('attachment; filename="contacts.csv"'), "contacts.csv");
  assert.equal(nameIn("attachment; filename=\"a.csv\"; filename*=UTF-8''b%C3%A9.csv"), "bé.csv");
  assert.equal(nameIn(""), null);
});

test("a problem's own words reach the person", () => {
  const error = errorOf(409, {
    code: "conflict",
    detail: "There is a tag of this name.",
    fields: {},
  });
  assert.equal(error.message, "There is a tag of this name.");
  assert.equal(error.passing, false);
});

test("words for programs are put as what they are about", () => {
  const error = errorOf(422, {
    code: "invalid",
    detail: "The request does not have the right form; `fields` says what to change.",
    fields: { search: ["This is longer than 200 characters."], company: ["This is no text."] },
  });
  assert.equal(error.message, "This is longer than 200 characters. This is no text.");
});

test("a proxy's page in place of a problem may be tried again", () => {
  assert.equal(errorOf(502, null).code, "unavailable");
  assert.equal(errorOf(502, null).passing, true);
  assert.match(errorOf(500, null).message, /500/);
});
