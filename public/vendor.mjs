// Fetches the libraries that are vendored, in the versions of package.json, and copies what the
// pages load into vendor/, each with its licence and version. Run by `make vendor`.
import { execFileSync } from "node:child_process";
import { appendFile, cp, mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const here = dirname(fileURLToPath(import.meta.url));

/** The files of each library: [in its package, in its folder of vendor/]. */
const FILES = {
  "@picocss/pico": [
    ["css/pico.min.css", "pico.min.css"],
    ["LICENSE.md", "LICENSE"],
  ],
  idb: [
    ["build/umd.js", "index.js"],
    ["LICENSE", "LICENSE"],
  ],
  "lit-html": [
    ["lit-html.js", "lit-html.js"],
    ["directive.js", "directive.js"],
    ["directive-helpers.js", "directive-helpers.js"],
    ["async-directive.js", "async-directive.js"],
    ["directives/if-defined.js", "directives/if-defined.js"],
    ["directives/keyed.js", "directives/keyed.js"],
    ["directives/live.js", "directives/live.js"],
    ["directives/ref.js", "directives/ref.js"],
    ["directives/repeat.js", "directives/repeat.js"],
    ["LICENSE", "LICENSE"],
  ],
  redoc: [
    ["bundles/redoc.standalone.js", "redoc.standalone.js"],
    ["bundles/redoc.standalone.js.LICENSE.txt", "redoc.standalone.js.LICENSE.txt"],
    ["LICENSE", "LICENSE"],
  ],
  "socket.io-client": [
    ["dist/socket.io.esm.min.js", "socket.io.esm.min.js"],
    ["LICENSE", "LICENSE"],
  ],
  "swagger-ui-dist": [
    ["swagger-ui.css", "swagger-ui.css"],
    ["swagger-ui-bundle.js", "swagger-ui-bundle.js"],
    ["swagger-ui-bundle.js.LICENSE.txt", "swagger-ui-bundle.js.LICENSE.txt"],
    ["LICENSE", "LICENSE"],
    ["NOTICE", "NOTICE"],
  ],
  uplot: [
    ["dist/uPlot.iife.min.js", "uPlot.min.js"],
    ["dist/uPlot.min.css", "uPlot.min.css"],
    ["LICENSE", "LICENSE"],
  ],
};

/** What a file that is no module gives those who import it: there, the small form is none. */
const EXPORTS = {
  "idb/index.js": "export const { openDB } = idb;",
  "uplot/uPlot.min.js": "export default uPlot;",
};

/** A library's folder in vendor/. */
const folderOf = (name) =>
  name
    .split("/")
    .pop()
    .replace(/-dist$/, "");

async function refresh(name, version, scratch) {
  const [packed] = JSON.parse(
    execFileSync("npm", ["pack", "--json", `${name}@${version}`], { cwd: scratch }),
  );
  const unpacked = join(scratch, folderOf(name));
  await mkdir(unpacked);
  execFileSync("tar", ["-xzf", join(scratch, packed.filename), "-C", unpacked]);
  const source = join(unpacked, "package");
  const target = join(here, "vendor", folderOf(name));
  await rm(target, { recursive: true, force: true });
  for (const [from, to] of FILES[name]) {
    await cp(join(source, from), join(target, to));
    const exported = EXPORTS[`${folderOf(name)}/${to}`];
    if (exported) await appendFile(join(target, to), `${exported}\n`);
    if (to.endsWith(".js") || to.endsWith(".css")) await withoutMapAddress(join(target, to));
  }
  const { license } = JSON.parse(await readFile(join(source, "package.json"), "utf8"));
  await writeFile(join(target, "VERSION"), `${name} ${version} (${license})\n`);
  console.log(`${name} ${version}`);
}

/** Source maps are not vendored; a browser's tools would ask for them in vain. */
async function withoutMapAddress(path) {
  const text = await readFile(path, "utf8");
  await writeFile(path, text.replace(/\n?\/[/*]# sourceMappingURL=\S+( \*\/)?\s*$/, "\n"));
}

const { vendored } = JSON.parse(await readFile(join(here, "package.json"), "utf8"));
const scratch = await mkdtemp(join(tmpdir(), "fieldbook-vendor-"));
try {
  for (const [name, version] of Object.entries(vendored)) await refresh(name, version, scratch);
} finally {
  await rm(scratch, { recursive: true });
}
