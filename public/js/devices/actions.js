import { plural } from "../core/times.js";
import { nameOf } from "./words.js";

/** Asks a device to sync, if the person agrees. Whether it was asked. */
export async function askToSync(application, device) {
  const name = nameOf(device);
  const when = device.online
    ? "It is connected and syncs at once."
    : "It syncs when it connects next.";
  const agreed = await application.dialogs.confirm({
    title: `Ask ${name} to sync?`,
    text: `${when} Nothing on it is lost. The audit log notes that you asked.`,
    action: "Ask it to sync",
  });
  return agreed && tell(application, device, "sync", `${name} was asked to sync.`);
}

/** Shuts a device out for good, if the person agrees. Whether it was. */
export async function revoke(application, device) {
  const name = nameOf(device);
  const { size } = device.queue;
  const lost = size ? ` ${plural(size, "edit")} on it that it has not sent will be lost.` : "";
  const agreed = await application.dialogs.confirm({
    title: `Revoke ${name}?`,
    text:
      `It is signed out within seconds and wipes the contacts that it holds.${lost} It can never ` +
      "sign in again; to use the phone later, enrol it anew. The audit log notes that you did it.",
    action: "Revoke",
    danger: true,
  });
  return agreed && tell(application, device, "revoke", `${name} was revoked.`);
}

async function tell({ rest, toasts }, device, command, done) {
  try {
    await rest.post(`/api/devices/${encodeURIComponent(device.id)}/${command}`);
  } catch (error) {
    toasts.error(error);
    return false;
  }
  toasts.show(done, { kind: "success" });
  return true;
}
