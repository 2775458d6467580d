/**
 * What Debian 12's Node.js 18 lacks of a browser and of the newer `node:test`; for
 * `node --import ./tests/browser/unit/support/node18.js --test …`. A newer Node.js needs none of it.
 */

import { File } from "node:buffer";
import { webcrypto } from "node:crypto";
import { mock } from "node:test";

globalThis.crypto ??= webcrypto;
globalThis.File ??= File;
globalThis.CustomEvent ??= class CustomEvent extends Event {
  constructor(type, options) {
    super(type, options);
    this.detail = options?.detail ?? null;
  }
};

if (process.versions.node.startsWith("18.")) {
  const timers = Object.getPrototypeOf(mock.timers);
  const { enable } = timers;
  timers.enable = function (options) {
    enable.call(this, options?.apis);
    // Its own breaks its queue where there is nothing to clear.
    const { clearTimeout: clear } = globalThis;
    globalThis.clearTimeout = (timer) => timer && clear(timer);
  };
}
