/**
 * Reads modules that are not needed for the rows, so that those come sooner, and goes on with them.
 *
 * `load()` gives them, `use(modules)` is called with them. What can't be loaded is said in a toast.
 */
export async function lazily({ toasts }, load, use) {
  let modules;
  try {
    modules = await load();
  } catch (error) {
    console.error(error);
    toasts.error(new Error("This part could not be loaded. Check the connection, then try again."));
    return null;
  }
  return use(modules);
}
