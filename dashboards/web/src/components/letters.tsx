import { count, since, timeOfDay } from "../format";
import { has, t } from "../i18n";
import type { DeadLetters } from "../types";

/** What was refused lately, by code, newest first. */
export function Letters({ letters, now }: { letters: DeadLetters; now: number }) {
  const rows = letters.rows ?? [];
  return (
    <section class="card" aria-labelledby="letters-title">
      <div class="card-head">
        <h2 id="letters-title">{t("letters.title")}</h2>
        <p class="quiet">{letters.as_of_ms ? t("letters.note", { hours: letters.window_hours, count: letters.total, n: count(letters.total), time: timeOfDay(letters.as_of_ms) }) : t("asof.none")}</p>
      </div>
      {rows.length === 0 ? <p class="empty-note">{t(letters.as_of_ms ? "letters.none" : "letters.unread")}</p> : (
        <ul class="letters" data-testid="dead-letters">
          {rows.map((r) => (
            <li key={r.code}>
              <p class="letter-head"><code>{r.code}</code> <span>{has(`code.${r.code}`) ? t(`code.${r.code}`) : r.stage}</span> <b>{count(r.count)}</b></p>
              <p class="quiet">{[since(r.last_ms, now), r.shop && t("letters.shop", { shop: r.shop }), r.path].filter(Boolean).join(" · ")}</p>
              {r.detail && <p class="quiet detail" lang="en">{r.detail}</p>}
            </li>
          ))}
        </ul>
      )}
    </section>
  );
}
