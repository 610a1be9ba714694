// The settings of one conversation: a dialog whose fields have the names that the server knows them by.
import { askIn } from "../behaviours/dialogs";
import { need, part } from "../lib/dom";
import { ApiError, api } from "../lib/http";
import type { Stage } from "./running";

type Options = Record<string, number | string[]>;

interface Settings {
  id: string;
  model: string | null;
  system_prompt: string;
  options: Options;
}

const NONE: Settings = { id: "", model: null, system_prompt: "", options: {} };
const NUMBERS = ["temperature", "seed", "num_ctx", "keep_alive"];

type Field = HTMLInputElement | HTMLTextAreaElement | HTMLSelectElement;

function field(name: string): Field {
  return need(`#setting-${name}`, HTMLElement) as Field;
}

function fill({ model, system_prompt, options }: Settings): void {
  const picker = need("#model", HTMLSelectElement);
  const models = [...picker.options].map(({ value }) => value).filter((value) => value && value !== model);
  const select = need("#setting-model", HTMLSelectElement);
  select.replaceChildren(new Option("As in a new chat", ""), ...(model ? [model] : []).concat(models).map((name) => new Option(name)));
  field("model").value = model ?? "";
  field("system_prompt").value = system_prompt;
  for (const name of NUMBERS) field(name).value = String(options[name] ?? "");
  if (options.keep_alive !== undefined) offerSeconds(need("#setting-keep_alive", HTMLSelectElement), String(options.keep_alive));
  field("stop").value = Array.isArray(options.stop) ? options.stop.join("\n") : "";
}

/** Chooses so many seconds, which another program may have set, also where they are not among the choices. */
function offerSeconds(select: HTMLSelectElement, seconds: string): void {
  if (![...select.options].some(({ value }) => value === seconds)) select.add(new Option(`${seconds} seconds`, seconds));
  select.value = seconds;
}

/** What the server is told: only what is set, and what this dialog does not know stays as it is. */
export function read(kept: Options): Omit<Settings, "id"> {
  const options: Options = { ...kept };
  for (const name of [...NUMBERS, "stop"]) delete options[name];
  for (const name of NUMBERS) if (field(name).value) options[name] = Number(field(name).value);
  const stop = field("stop").value.split("\n").filter((line) => line.trim());
  if (stop.length > 0) options.stop = stop;
  return { model: field("model").value, system_prompt: field("system_prompt").value, options };
}

/** Opens the dialog until the settings are saved or left as they were. Gives the model that was set, or null when nothing was. */
export async function settle(stage: Stage): Promise<string | null> {
  const { conversation } = stage;
  const path = `/api/conversations${conversation && `/${conversation}`}`;
  const kept = conversation ? await api<Settings>("GET", `${path}?limit=1`) : NONE;
  const complaint = part(document, "settings-error");
  fill(kept);
  complaint.hidden = true;
  while ((await askIn(need("#settings-dialog", HTMLDialogElement))) === "yes") {
    try {
      const saved = await api<Settings>(conversation ? "PATCH" : "POST", path, read(kept.options));
      if (!conversation) {
        stage.belongs(saved.id);
        stage.titled(null);
      }
      return saved.model ?? "";
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      complaint.textContent = error.advice;
      complaint.hidden = false;
    }
  }
  return null;
}
