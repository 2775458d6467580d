import { NOBODY } from "../contacts/query.js";
import { formatCount } from "../core/times.js";
import { html, nothing } from "../vendor.js";

const LABELS = { tag: "By tag", group: "By group", type: "By type" };

/** Large numbers with what they are, `[[number, words]]`, below what they have in common. */
export const numberCards = (title, cards) => html`
  <section class="number-group">
    <h2>${title}</h2>
    <dl class="number-cards">
      ${cards.map(([number, words]) => html`<div><dt>${words}</dt><dd>${formatCount(number)}</dd></div>`)}
    </dl>
  </section>
`;

/** How many contacts have each label and owner, the most frequent, with links to them. */
export function countTables(stats, { router }) {
  return html`
    <div class="count-tables">
      ${Object.entries(LABELS).map(([entity, title]) =>
        countTable(title, stats[`by_${entity}`], stats.total, ({ id }) =>
          router.href("/contacts", { [entity]: id }),
        ),
      )}
      ${countTable("By owner", stats.by_owner, stats.total, ({ id }) =>
        router.href("/contacts", { owner_id: id ?? NOBODY }),
      )}
    </div>
  `;
}

function countTable(title, counts, total, hrefOf) {
  if (!counts.length) return nothing;
  return html`
    <section class="card">
      <h3>${title}</h3>
      <table class="count-table">
        <caption class="visually-hidden">Contacts ${title.toLowerCase()}</caption>
        <tbody>
          ${counts.map((each) => {
            const name = each.name ?? "Nobody";
            return html`
              <tr>
                <th scope="row" class="count-name" title=${name}><a href=${hrefOf(each)}>${name}</a></th>
                <td class="count-bar"><meter min="0" max=${Math.max(1, total)} .value=${each.count} aria-hidden="true"></meter></td>
                <td class="number">${formatCount(each.count)}</td>
              </tr>
            `;
          })}
        </tbody>
      </table>
    </section>
  `;
}
