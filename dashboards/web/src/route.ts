import { signal } from "@preact/signals";

/** The campaign that the address names; null on the page Now. */
export const campaignID = signal<string | null>(parse());

function parse(): string | null {
  const match = /^#\/campaign\/([^/?]+)/.exec(location.hash);
  try {
    return match ? decodeURIComponent(match[1]!) : null;
  } catch {
    return null; // a broken escape is no campaign
  }
}

addEventListener("hashchange", () => {
  campaignID.value = parse();
  scrollTo(0, 0);
});

export const toNow = "#/";
export const toCampaign = (id: string) => `#/campaign/${encodeURIComponent(id)}`;
