import assert from "node:assert/strict";
import { test } from "node:test";
import { faultOf, keyIn } from "../../../public/js/app/api_key.js";

test("a key is found in what was pasted with it", () => {
  assert.equal(keyIn("  fb_abc\n"), "fb_abc");
  assert.equal(keyIn('"fb_abc"'), "fb_abc");
  assert.equal(keyIn("`fb_abc` "), "fb_abc");
  assert.equal(keyIn("fb_'abc"), "fb_'abc");
  assert.equal(keyIn(" "), "");
});

test("a key that no header can carry is refused in words before it is sent", () => {
  assert.equal(faultOf("fb_oBgasuhOxblmFYjlE4dxBQQ5tZLdhNPf"), null);
  assert.match(faultOf(""), /Enter/);
  assert.match(faultOf("fb_abc fb_def"), /space/);
  assert.match(faultOf("fb_abc…"), /plain letters/);
  assert.match(faultOf(`fb_${"a".repeat(200)}`), /too long/);
});
