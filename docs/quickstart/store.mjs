// The store in Node (pg): saves an order, reads what the ERP changes, and ends when its order is confirmed.
//
//     npm install pg
//     PGDATABASE=hub PGUSER=shop node store.mjs          its order 150
//     PGDATABASE=hub PGUSER=shop node store.mjs 151 3    its order 151, of three pieces

import { setTimeout as sleep } from "node:timers/promises";
import pg from "pg";

const AZI = "C00001";
const [idInt = "150", qty = "2"] = process.argv.slice(2);
let client = null;

async function connect() {
  const fresh = new pg.Client(); // the variables PGHOST, PGDATABASE, PGUSER and so on
  fresh.on("error", () => { client = null; });
  await fresh.connect();
  return fresh;
}

// Call a door until it answers. A repeat is always safe: it finds what the first try did.
// Each call is a transaction of its own: nothing stays locked between them.
async function call(query, ...values) {
  for (let attempt = 1; ; attempt++) {
    try {
      client ??= await connect();
      return (await client.query(query, values)).rows;
    } catch (error) {
      const lost = !(error instanceof pg.DatabaseError) || /^(08|57P|53300)/.test(error.code);
      // The company is busy, a serialization failure, a deadlock.
      const busy = ["55P03", "40001", "40P01"].includes(error.code);
      if (!(lost || busy) || attempt === 10) throw error;
      if (lost) {
        client?.end().catch(() => {});
        client = null;
      }
      console.error(`again, ${busy ? error.code : "connection lost"}`);
      await sleep(Math.min(50 * 2 ** attempt, 5000));
    }
  }
}

async function main() {
  const dati = { items: [{ sku: "A1", qty: Number(qty) }] };
  // bigint arrives as a string: keep it one, or make it a BigInt. A Number would round from 2^53 on.
  const [{ id_pub: idPub }] = await call(
    "SELECT ortes_store.save_order(p_azi => $1, p_id_int => $2, p_dati => $3) AS id_pub", AZI, idInt, dati);
  console.log(`order ${idInt} saved as ${idPub}`);

  for (let confirmed = false, idle = 0; !confirmed; ) {
    // From what was confirmed last: a crash between here and confirm() shows the same rows again, none is missed.
    const orders = await call("SELECT * FROM ortes_store.changes(p_azi => $1)", AZI);
    for (const order of orders) {
      // Here the store writes the order into its own tables: its own by id_int, others as new ones. Then it says so.
      if (!order.ack_store) {
        await call("SELECT ortes_store.import_order(p_azi => $1, p_id_pub => $2)", AZI, order.id_pub);
      }
      console.log(`order ${order.id_pub} is ${order.tor_chia}, confirmation ${order.conferma ?? "none yet"}`);
      if (order.id_pub === idPub && order.conferma !== null) confirmed = true;
    }
    if (orders.length > 0) {
      await call("SELECT ortes_store.confirm(p_azi => $1, p_id_sincro => $2)", AZI, orders.at(-1).id_sincro);
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
  await client?.end().catch(() => {});
}
