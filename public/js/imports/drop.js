const holdsFiles = (event) => event.dataTransfer?.types.includes("Files") ?? false;
// What is behind a dialog takes nothing.
const covered = () => document.querySelector("dialog[open]") !== null;

/**
 * Takes files that are dropped anywhere on the page, as long as the view is open: `over(boolean)` tells
 * that one hangs above it, `take(files)` what was dropped.
 */
export function takeDrops(view, { over, take }) {
  // Each element that the pointer passes tells of its own entering and leaving.
  let depth = 0;
  const moved = (step) => (event) => {
    if (!holdsFiles(event)) return;
    event.preventDefault();
    depth = Math.max(0, depth + step);
    over(depth > 0 && !covered());
  };
  view.listen(document, "dragenter", moved(1));
  view.listen(document, "dragleave", moved(-1));
  view.listen(document, "dragover", (event) => {
    if (!holdsFiles(event)) return;
    // Without this the browser would open the file in place of the page.
    event.preventDefault();
    event.dataTransfer.dropEffect = covered() ? "none" : "copy";
  });
  view.listen(document, "drop", (event) => {
    if (!holdsFiles(event)) return;
    event.preventDefault();
    depth = 0;
    over(false);
    if (!covered()) take([...event.dataTransfer.files]);
  });
}

/** "1.2 MB", "340 kB", "12 bytes". */
export function formatSize(bytes) {
  if (bytes >= 1_000_000) return `${(bytes / 1_000_000).toFixed(1)} MB`;
  if (bytes >= 1_000) return `${Math.round(bytes / 1_000)} kB`;
  return bytes === 1 ? "1 byte" : `${bytes} bytes`;
}
