import { clearDetail, connected, takeDelta, takeDetail, takeSnapshot } from "./store";
import type { Delta, Detail, Snapshot } from "./types";

let source: EventSource | null = null;
let lastID = "";
let open = "";

/** Opens the one stream of this page, with a campaign's page in it when one is shown. The browser reconnects by itself. */
export function listen(campaign: string | null) {
  const wanted = campaign ?? "";
  if (source && open === wanted && source.readyState !== EventSource.CLOSED) return;
  source?.close();
  open = wanted;
  clearDetail();
  const query = new URLSearchParams();
  if (campaign) query.set("campaign", campaign);
  if (lastID) query.set("last_event_id", lastID);
  source = new EventSource(`/api/stream?${query}`);
  const read = <T>(name: string, take: (value: T) => void) =>
    source!.addEventListener(name, (e: MessageEvent<string>) => {
      if (e.lastEventId) lastID = e.lastEventId;
      take(JSON.parse(e.data) as T);
    });
  read<Snapshot>("snapshot", takeSnapshot);
  read<Delta>("delta", takeDelta);
  read<Detail>("campaign", takeDetail);
  source.onopen = () => (connected.value = true);
  source.onerror = () => {
    connected.value = false;
    // A refusal (too many viewers, a proxy's error page) ends the source for good: try again later.
    if (source?.readyState === EventSource.CLOSED) setTimeout(() => open === wanted && listen(campaign), 5000);
  };
}
