// Choices of the reader: kept in this browser, and settable for one visit by the address (?lang=fr&theme=dark).

const asked = new URLSearchParams(location.search);

export function setting(name: string): string | null {
  return asked.get(name) ?? remembered(name);
}

function remembered(name: string): string | null {
  try {
    return localStorage.getItem(`cagnotte.${name}`);
  } catch {
    return null; // storage can be forbidden; the page works without
  }
}

export function remember(name: string, value: string) {
  try {
    localStorage.setItem(`cagnotte.${name}`, value);
  } catch {
    // storage can be forbidden; the choice then holds for this visit
  }
}
