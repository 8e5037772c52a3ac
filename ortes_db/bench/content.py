"""An order's content, as saved and as the ERP confirms it."""

import json

_ORDER = {
    "cliente": "Rossi & C.",
    "righe": [{"art": "A-100", "qta": 3, "prezzo": 12.5}, {"art": "B-220", "qta": 1, "prezzo": 99.9}],
    "note": "consegna al mattino",
}
DATI = json.dumps(_ORDER)
CONFIRMED = json.dumps(_ORDER | {"stato": "confermato"})
