<?php
// The app in PHP (PDO): device 50 saves an order, reads what the ERP changes, and ends when its order is confirmed.
//
//     apt install php-cli php-pgsql
//     PGDATABASE=hub PGUSER=phone php app.php          its order 150
//     PGDATABASE=hub PGUSER=phone php app.php 151 3    its order 151, of three pieces
//     ORTES_READ_DSN='host=… dbname=…'                 a standby to read from, besides

const AZI = 'C00001';
const DEVICE = 50;

// Call a door until it answers. A repeat is always safe: it finds what the first try did.
// Each call is a transaction of its own: nothing stays locked between them.
function call(string $query, array $values, string $address = ''): array
{
    static $connections = [];
    for ($attempt = 1; ; $attempt++) {
        try {
            // Without an address: what the variables PGHOST, PGDATABASE, PGUSER and so on say.
            $connections[$address] ??= new PDO("pgsql:$address", null, null, [PDO::ATTR_ERRMODE => PDO::ERRMODE_EXCEPTION]);
            $statement = $connections[$address]->prepare($query);
            $statement->execute($values);
            return $statement->fetchAll(PDO::FETCH_ASSOC);
        } catch (PDOException $error) {
            $code = $error->errorInfo[0] ?? 'HY000';
            // PDO has no SQLSTATE of the server's when the connection is lost.
            $lost = preg_match('/^(HY|08|57P|53300)/', $code) === 1;
            // The company is busy, a serialization failure, a deadlock; and a standby may not have come as far as we have.
            $busy = in_array($code, ['55P03', '40001', '40P01', $address ? 'OR008' : '55P03'], true);
            if (!($lost || $busy) || $attempt === 10) {
                throw $error;
            }
            if ($lost) {
                unset($connections[$address]);
            }
            fwrite(STDERR, 'again, ' . ($busy ? $code : 'connection lost') . "\n");
            usleep(min(50 * 2 ** $attempt, 5000) * 1000);
        }
    }
}

function main(int $id_int, int $qty): void
{
    $dati = json_encode(['items' => [['sku' => 'A1', 'qty' => $qty]]]);
    // The app's user has a code already, 15; 0 would be: not yet known to the ERP.
    $id_pub = call('SELECT ortes_app.save_order(?, ?, p_id_int => ?, p_autore_cod => 15, p_dati => ?) AS id_pub',
        [AZI, DEVICE, $id_int, $dati])[0]['id_pub'];
    echo "order $id_int saved as $id_pub\n";

    // From what was confirmed last: a crash before the next confirm() shows the same rows again, none is missed.
    $since = call('SELECT ortes_app.position(?, ?) AS since', [AZI, DEVICE])[0]['since'];
    for ($confirmed = false, $idle = 0; !$confirmed; ) {
        $orders = call('SELECT * FROM ortes_app.changes(?, ?, ?)', [AZI, DEVICE, $since], getenv('ORTES_READ_DSN') ?: '');
        foreach ($orders as $order) {
            // Here the app writes the order into its own tables: its own by prov_id and id_int, others as new ones.
            if (!$order['ack_app']) {
                call('SELECT ortes_app.import_order(?, ?, ?)', [AZI, DEVICE, $order['id_pub']]);
            }
            echo "order {$order['id_pub']} is {$order['tor_chia']}, confirmation " . ($order['conferma'] ?? 'none yet') . "\n";
            $confirmed = $confirmed || ($order['id_pub'] === $id_pub && $order['conferma'] !== null);
        }
        if ($orders) {
            $since = call('SELECT ortes_app.confirm(?, ?, ?) AS since', [AZI, DEVICE, end($orders)['id_sincro']])[0]['since'];
        } elseif (++$idle === 300) {
            throw new RuntimeException('nothing changed for a minute: does the ERP run, or was the order read by an earlier run?');
        } else {
            usleep(200000);
        }
    }
}

try {
    main((int) ($argv[1] ?? 150), (int) ($argv[2] ?? 2));
} catch (RuntimeException $error) { // PDOException is one
    // OR006: that number is another order's already. OR008: the hub went back in time, a DBA decides; stop reading.
    // OR003: a DBA grants access. OR002, OR007: a mistake of ours. None gets better by a repeat.
    fwrite(STDERR, $error->getMessage() . "\n");
    exit(1);
}
