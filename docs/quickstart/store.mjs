// The store in Node (pg): saves an order, reads what the ERP changes, and ends when its order is confirmed.
//
//     npm install pg
//     PGDATABASE=hub PGUSER=shop node store.mjs          its order 150
//     PGDATABASE=hub PGUSER=shop node store.mjs 151 3    its order 151, of three pieces
//     ORTES_READ_DSN=postgresql://…                      a standby to read from, besides

import { setTimeout as sleep } from "node:timers/promises";
import pg from "pg";

const AZI = "C00001";
const [idInt = "150", qty = "2"] = process.argv.slice(2);
// By address; "": what the variables PGHOST, PGDATABASE, PGUSER and so on say.
const clients = {};

async function connect(address) {
  const fresh = new pg.Client(address || undefined);
  fresh.on("error", () => { delete clients[address]; });
  await fresh.connect();
  return fresh;
}

// Call a door until it answers. A repeat is always safe: it finds what the first try did.
// Each call is a transaction of its own: nothing stays locked between them.
async function callAt(address, query, values) {
  for (let attempt = 1; ; attempt++) {
    try {
      clients[address] ??= await connect(address);
      return (await clients[address].query(query, values)).rows;
    } catch (error) {
      const lost = !(error instanceof pg.DatabaseError) || /^(08|57P|53300)/.test(error.code);
      // The company is busy, a serialization failure, a deadlock; and a standby may not have come as far as we have.
      const busy = ["55P03", "40001", "40P01", ...(address ? ["OR008"] : [])].includes(error.code);
      if (!(lost || busy) || attempt === 10) throw error;
      if (lost) {
        clients[address]?.end().catch(() => {});
        delete clients[address];
      }
      console.error(`again, ${busy ? error.code : "connection lost"}`);
      await sleep(Math.min(50 * 2 ** attempt, 5000));
    }
  }
}

const call = (query, ...values) => callAt("", query, values);
const read = (query, ...values) => callAt(process.env.ORTES_READ_DSN ?? "", query, values);

async function main() {
  const dati = { items: [{ sku: "A1", qty: Number(qty) }] };
  // bigint arrives as a string: keep it one, or make it a BigInt. A Number would round from 2^53 on.
  const [{ id_pub: idPub }] = await call(
    "SELECT ortes_store.save_order(p_azi => $1, p_id_int => $2, p_dati => $3) AS id_pub", AZI, idInt, dati);
  console.log(`order ${idInt} saved as ${idPub}`);

  // From what was confirmed last: a crash before the next confirm() shows the same rows again, none is missed.
  let [{ since }] = await call("SELECT ortes_store.position(p_azi => $1) AS since", AZI);
  for (let confirmed = false, idle = 0; !confirmed; ) {
    const orders = await read("SELECT * FROM ortes_store.changes(p_azi => $1, p_since => $2)", AZI, since);
    for (const order of orders) {
      // Here the store writes the order into its own tables: its own by id_int, others as new ones. Then it says so.
      if (!order.ack_store) {
        await call("SELECT ortes_store.import_order(p_azi => $1, p_id_pub => $2)", AZI, order.id_pub);
      }
      console.log(`order ${order.id_pub} is ${order.tor_chia}, confirmation ${order.conferma ?? "none yet"}`);
      if (order.id_pub === idPub && order.conferma !== null) confirmed = true;
    }
    if (orders.length > 0) {
      [{ since }] = await call(
        "SELECT ortes_store.confirm(p_azi => $1, p_id_sincro => $2) AS since", AZI, orders.at(-1).id_sincro);
    } else if (++idle === 300) {
      throw new Error("nothing changed for a minute: does the ERP run, or was the order read by an earlier run?");
    } else {
      await sleep(200);
    }
  }
}

try {
  await main();
} catch (error) {
  // OR006: that number is another order's already. OR008: the hub went back in time, a DBA decides; stop reading.
  // OR003: a DBA grants access. OR002, OR007: a mistake of ours. None gets better by a repeat.
  console.error([error.code, error.message, error.detail, error.hint].filter(Boolean).join(". "));
  process.exitCode = 1;
} finally {
  for (const client of Object.values(clients)) await client.end().catch(() => {});
}
