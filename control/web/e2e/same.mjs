// Every number that the page shows, against `nofx top --json`: digits are compared, not how they are grouped.

import assert from 'node:assert/strict';

const bare = (text) => text.replace(/[,★▲◆■\s]/g, '').replace('−', '-').replace(/^\+/, '');

/** A whole number that counts 10^-decimals, written by hand: not by the code of the page. */
function scaled(value, decimals) {
  const [sign, digits] = String(value).startsWith('-') ? ['-', String(value).slice(1)] : ['', String(value)];
  const padded = digits.padStart(decimals + 1, '0');
  return `${sign}${padded.slice(0, -decimals)}.${padded.slice(-decimals)}`;
}

/** Cells of a table, scrolled through: row key, column name, text. */
async function cells(page, caption) {
  const seen = new Map();
  for (let top = 0; ; top += 600) {
    const [more, shown] = await page.evaluate(async ([caption, top]) => {
      const table = document.querySelector(`table[aria-label="${caption}"]`);
      if (table === null) return [false, []];
      const region = table.parentElement;
      region.scrollTop = top;
      // The rows follow the scroll in the next frame.
      await new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)));
      const rows = [...table.querySelectorAll('tbody tr[data-row]')].flatMap((row) => [...row.children].map((cell) => [row.dataset.row, cell.dataset.name, cell.textContent]));
      return [top + region.clientHeight < region.scrollHeight, rows];
    }, [caption, top]);
    for (const cell of shown) seen.set(`${cell[0]} ${cell[1]}`, cell);
    if (!more) return [...seen.values()];
  }
}

/** Compares all views, and says how many numbers were compared. */
export async function compare(page, go, top) {
  let count = 0;
  const same = (shown, wanted, where) => {
    assert.equal(bare(shown), String(wanted), where);
    count++;
  };
  const table = async (caption, rows, key, columns) => {
    const shown = await cells(page, caption);
    for (const row of rows) {
      for (const [name, of] of Object.entries(columns)) {
        const found = shown.find(([at, column]) => at === key(row) && column === name);
        assert.ok(found, `${caption}: no ${name} of ${key(row)}`);
        same(found[2], of(row), `${caption}, ${key(row)}, ${name}`);
      }
    }
  };
  const fields = (...names) => Object.fromEntries(names.map((name) => [name, (row) => name.split('.').reduce((at, part) => at[part], row)]));
  const fact = async (name, wanted) => same(await page.locator(`main [data-name="${name}"]`).first().innerText(), wanted, name);
  const settle = async (view, argument) => {
    await go(page, view, argument);
    await page.waitForTimeout(400);
  };

  // The page stands at the first book: a ladder does not come from an engine that is silent.
  const best = (side) => (row) => (row[side][0] ? scaled(row[side][0].price, row.decimals) : '–');
  const qty = (side) => (row) => row[side][0]?.qty ?? '–';
  await table('Instruments', top.books, (row) => row.instrument, { bid: best('bids'), ask: best('asks'), 'bid.qty': qty('bids'), 'ask.qty': qty('asks') });
  const [book] = top.books;
  for (const [side, levels] of [['bid', book.bids], ['ask', book.asks]]) {
    await table('Book', levels, (level) => `${side} ${level.price}`, { price: (level) => scaled(level.price, book.decimals), [`${side}.qty`]: (level) => level.qty, [`${side}.orders`]: (level) => level.orders });
  }
  const mine = top.orders.rows.filter((order) => order.instrument === book.instrument);
  const marks = (await cells(page, 'Book')).filter(([, name, text]) => name.endsWith('.mine') && text !== '');
  assert.equal(marks.length, new Set(mine.map((order) => `${order.side} ${order.price}`)).size, 'own orders are marked');

  await settle('overview');
  await fact('journal', top.journal.last);
  await fact('orders.total', top.orders.total);
  await fact('realised', scaled(top.positions.realised_e4, 4));
  await fact('open', scaled(top.positions.open_e4, 4));
  await fact('pid', top.engine.pid);

  await settle('feeds');
  await table('Feed lines', top.feeds, (row) => row.name, fields('packets', 'messages', 'first', 'duplicates', 'gaps', 'lost', 'recovered', 'parked', 'malformed', 'next_seq', 'skew_ns'));
  await table('Order sessions', top.sessions, (row) => row.name, fields('open', 'sent', 'accepted', 'rejected', 'refused', 'canceled', 'fills', 'throttled', 'next_in'));

  await settle('tiles');
  await table('Tiles', top.tiles, (row) => row.name, fields('turns', 'stalls', 'burst_max', 'commands', 'allocations'));
  await table('Loop times, ns', top.tiles.filter((tile) => tile.turn_ns), (row) => row.name, fields('turn_ns.count', 'turn_ns.p50', 'turn_ns.p99', 'turn_ns.p999', 'turn_ns.max', 'turn_ns_max'));
  for (const name of ['last', 'waiting_bytes', 'capacity_bytes', 'refused']) await fact(`journal.${name}`, top.journal[name]);

  await settle('latency');
  await table('Since the start, ns', top.latency_ns, (row) => row.name, fields('all.count', 'all.p50', 'all.p99', 'all.p999', 'all.max'));

  await settle('orders');
  await table('Working orders', top.orders.rows, (row) => String(row.cl_ord_id), { price: (row) => scaled(row.price, row.decimals), ...fields('leaves', 'order_ref', 'account') });

  await settle('positions');
  await table('Positions', top.positions.rows, (row) => `${row.account} ${row.instrument}`, {
    ...fields('position', 'fills'), realised_e4: (row) => scaled(row.realised_e4, 4), open_e4: (row) => scaled(row.open_e4, 4),
  });

  await settle('rejects');
  const rules = Object.entries(top.rejects).filter(([, refused]) => refused !== 0);
  await table('Refused by rule', rules, ([name]) => name, { count: ([, refused]) => refused });
  await page.getByLabel('Filter counters').fill('orders.');
  await page.waitForTimeout(300);
  await table('Counters of the engine', Object.entries(top.counters).filter(([name]) => name.includes('orders.')), ([name]) => name, { count: ([, value]) => value });
  return count;
}
