import { effect, signal } from "@preact/signals";
import { remember, setting } from "./settings";

export type Theme = "auto" | "light" | "dark";

export const theme = signal<Theme>(parse(setting("theme")));

/** Counts changes of what colours look like, so that canvases know when to read them again. */
export const paint = signal(0);

function parse(s: string | null): Theme {
  return s === "light" || s === "dark" ? s : "auto";
}

effect(() => {
  document.documentElement.style.colorScheme = theme.value === "auto" ? "light dark" : theme.value;
  document.documentElement.dataset["theme"] = theme.value;
  paint.value = paint.peek() + 1;
});

matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => {
  paint.value++;
});

const order: Theme[] = ["auto", "light", "dark"];

export function nextTheme() {
  theme.value = order[(order.indexOf(theme.value) + 1) % order.length]!;
  remember("theme", theme.value);
}

/** Resolves a colour token to what a canvas understands: light-dark() inside a custom property is only resolved by a real element. */
export function colour(token: string): string {
  const probe = document.createElement("span");
  probe.style.color = `var(${token})`;
  probe.hidden = true;
  document.body.append(probe);
  const value = getComputedStyle(probe).color;
  probe.remove();
  return value;
}
